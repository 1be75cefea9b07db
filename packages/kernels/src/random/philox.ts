/** Philox 4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), as Random123 has it. */

export const PHILOX_MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
export const PHILOX_WEYL = [0x9e3779b9, 0xbb67ae85] as const;
export const PHILOX_ROUNDS = 10;

/** A sequence of random numbers: element i is a pure function of the seed, the stream and i. */
export interface RandomSequence {
  /** Two u32, the key. */
  readonly seed: readonly [number, number];
  /** Two u32 that tell independent sequences of one seed apart: for example an epoch and an image. */
  readonly stream: readonly [number, number];
}

/** The two u32 of a seed that is a safe integer from 0. */
export const seedWords = (seed: number): [number, number] => [seed >>> 0, Math.floor(seed / 4_294_967_296) >>> 0];

/** The upper 32 bits of a product of two u32. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const lowHigh = aLow * bHigh;
  const highLow = aHigh * bLow;
  const middle = ((aLow * bLow) >>> 16) + (lowHigh & 0xffff) + (highLow & 0xffff);
  return (aHigh * bHigh + (lowHigh >>> 16) + (highLow >>> 16) + (middle >>> 16)) >>> 0;
}

/** Four u32 from a counter of four u32 and a key of two. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  // No array in the loop: engines allocate for a destructuring swap, and this runs for every noisy pixel.
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  const [m0, m1] = PHILOX_MULTIPLIERS;
  for (let round = 0; round < PHILOX_ROUNDS; round++) {
    const high0 = mulHigh(m0, c0);
    const high1 = mulHigh(m1, c2);
    const low0 = Math.imul(m0, c0) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = Math.imul(m1, c2) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + PHILOX_WEYL[0]) >>> 0;
    k1 = (k1 + PHILOX_WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Elements 4 * block to 4 * block + 3 of a sequence, as u32: counter (block, 0, stream). */
export function philoxBlock({ seed, stream }: RandomSequence, block: number): [number, number, number, number] {
  return philox4x32([block >>> 0, Math.floor(block / 4_294_967_296) >>> 0, stream[0], stream[1]], seed);
}

/** The first `count` elements of a sequence as numbers in [0, 1): the upper 24 bits, so that f32 holds them exactly. */
export function randomUniform(sequence: RandomSequence, count: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(count);
  for (let i = 0; i < count; i += 4) {
    const block = philoxBlock(sequence, i / 4);
    for (let k = 0; k < 4 && i + k < count; k++) result[i + k] = (block[k]! >>> 8) * 2 ** -24;
  }
  return result;
}

/** The first `count` elements of a sequence as standard normal numbers: Box and Muller's pairs of (0, 1) and (2, 3) of each block. */
export function randomNormals(sequence: RandomSequence, count: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const block = philoxBlock(sequence, Math.floor(i / 4));
    const [first, second] = [block[i % 4]! >>> 8, block[(i % 4) + 1]! >>> 8];
    const radius = Math.sqrt(-2 * Math.log((first + 1) * 2 ** -24));
    const angle = 2 * Math.PI * second * 2 ** -24;
    result[i] = radius * Math.cos(angle);
    if (i + 1 < count) result[i + 1] = radius * Math.sin(angle);
  }
  return result;
}
