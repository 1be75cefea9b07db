import { philox4x32, seedWords } from "@fracture/tensor";

/** What a sample belongs to, where samples are not independent: a patient, or copies of one picture. */
export type Group = string | number;

export interface ResamplingOptions {
  /** [N] Groups are drawn whole. Default: every sample is a group of its own. */
  readonly groups?: ArrayLike<Group> | undefined;
  /** Default: 0. */
  readonly seed?: number | undefined;
}

/** The word of the counter that keeps these draws apart from all others of a seed (data/draws.ts). */
const PURPOSE = 3;

/**
 * Stratified bootstrap: draws of groups with replacement, as many of each class as there are (Efron and Tibshirani 1993, 8.3).
 * The figures that follow are therefore for a test set of these class counts. Where a group holds samples of several classes,
 * the classes can't be drawn apart, and groups are drawn from all of them.
 */
export class Resampling {
  readonly #samples: number;
  /** Groups of each stratum, as lists of samples. */
  readonly #strata: readonly (readonly (readonly number[])[])[];
  readonly #seed: readonly [number, number];
  /** Groups in all. */
  readonly units: number;
  /** Groups with a sample of each class that occurs, by label. */
  readonly unitsOf: ReadonlyMap<number, number>;

  constructor(labels: ArrayLike<number>, { groups, seed = 0 }: ResamplingOptions = {}) {
    if (groups !== undefined && groups.length !== labels.length)
      throw new RangeError(`bootstrap: ${labels.length} labels need as many groups, got ${groups.length}`);
    this.#samples = labels.length;
    this.#seed = seedWords(seed);
    const members = new Map<Group, number[]>();
    for (let i = 0; i < labels.length; i++) {
      const group = groups?.[i] ?? i;
      const known = members.get(group);
      if (known) known.push(i);
      else members.set(group, [i]);
    }
    const units = [...members.values()];
    const labelsOf = units.map((unit) => [...new Set(unit.map((i) => labels[i]!))]);
    const unitsOf = new Map<number, number>();
    for (const label of labelsOf.flat()) unitsOf.set(label, (unitsOf.get(label) ?? 0) + 1);
    this.units = units.length;
    this.unitsOf = unitsOf;
    const mixed = labelsOf.some(({ length }) => length > 1);
    this.#strata = mixed
      ? [units]
      : [...unitsOf.keys()].map((label) => units.filter((_, unit) => labelsOf[unit]![0] === label));
  }

  /**
   * Draws `count` times, and calls back with how often each sample was drawn: [N], the same array every time. The draw of a
   * number is the same whatever others there are.
   */
  draw(count: number, use: (weights: Uint32Array) => void): void {
    const weights = new Uint32Array(this.#samples);
    for (let number = 0; number < count; number++) {
      weights.fill(0);
      let block = 0;
      let words: readonly number[] = [];
      let used = 4;
      for (const units of this.#strata) {
        for (let draws = 0; draws < units.length; draws++) {
          if (used === 4) {
            words = philox4x32([block++, PURPOSE, number, 0], this.#seed);
            used = 0;
          }
          const unit = units[Math.floor(words[used++]! * 2 ** -32 * units.length)]!;
          for (const sample of unit) weights[sample]! += 1;
        }
      }
      use(weights);
    }
  }
}

/** Mean and variance of numbers that come one by one (Welford 1962); those that aren't finite are left out. */
export class Spread {
  #count = 0;
  #mean = 0;
  #squares = 0;

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#count += 1;
    const before = value - this.#mean;
    this.#mean += before / this.#count;
    this.#squares += before * (value - this.#mean);
  }

  /** NaN for fewer than two numbers. */
  get deviation(): number {
    return this.#count < 2 ? NaN : Math.sqrt(this.#squares / (this.#count - 1));
  }
}
