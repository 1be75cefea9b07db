import { philox4x32, seedWords } from "@fracture/tensor";

export const PHANTOM_SPLITS = ["train", "val", "test"] as const;
export type PhantomSplit = (typeof PHANTOM_SPLITS)[number];

/** What a sequence of random numbers is for; each purpose has its own, so that one can't shift another. */
const PURPOSES = ["scene", "fracture", "texture", "jag", "quantum"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Which picture: everything random in it is a pure function of this. */
export interface PictureId {
  readonly seed: number;
  readonly split: PhantomSplit;
  readonly index: number;
}

/** Random numbers of one picture and purpose, drawn one after the other: Philox 4x32-10 in counter mode. */
export class Draws {
  readonly #key: [number, number];
  readonly #stream: number;
  readonly #index: number;
  #counter = 0;
  #block: readonly number[] = [];

  constructor({ seed, split, index }: PictureId, purpose: Purpose) {
    this.#key = seedWords(seed);
    this.#stream = PHANTOM_SPLITS.indexOf(split) * PURPOSES.length + PURPOSES.indexOf(purpose);
    this.#index = index;
  }

  /** The next number in [0, 1). */
  next(): number {
    return this.#word() * 2 ** -32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Equally likely per octave: for exposures and other quantities that vary by factors. */
  logBetween(low: number, high: number): number {
    return low * Math.exp(Math.log(high / low) * this.next());
  }

  sign(): 1 | -1 {
    return this.next() < 0.5 ? -1 : 1;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<const T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.next() * choices.length)] ?? choices[0];
  }

  /**
   * Fills an array with independent standard normal numbers (Box and Muller). A pair is made from one word, 16 bits for its
   * radius and 16 for its angle: fine enough for noise, with no value beyond 4.9.
   */
  fillNormal(values: Float32Array): void {
    for (let i = 0; i < values.length; i += 2) {
      const word = this.#word();
      const radius = Math.sqrt(-2 * Math.log(((word >>> 16) + 0.5) / 65_536));
      const angle = ((word & 0xffff) / 65_536) * 2 * Math.PI;
      values[i] = radius * Math.cos(angle);
      // A write past an odd array's end is ignored.
      values[i + 1] = radius * Math.sin(angle);
    }
  }

  #word(): number {
    const lane = this.#counter % 4;
    if (lane === 0) this.#block = philox4x32([this.#counter / 4, 0, this.#index, this.#stream], this.#key);
    this.#counter++;
    return this.#block[lane]!;
  }
}
