import { expect } from "vitest";

export interface Tolerance {
  /** Relative to the magnitude of the expected value. */
  readonly rtol: number;
  /** Absolute. */
  readonly atol: number;
}

/** Fails with the worst element unless |actual - expected| <= atol + rtol * |expected| everywhere (NaN fails). */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, { rtol, atol }: Tolerance): void {
  expect(actual.length).toBe(expected.length);
  let worst = { index: -1, excess: 0 };
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (Object.is(a, e) || a === e) continue;
    const error = Math.abs(a - e);
    const excess = Number.isNaN(error) ? Infinity : error / (atol + rtol * Math.abs(e));
    if (excess > 1 && excess > worst.excess) worst = { index: i, excess };
  }
  if (worst.index >= 0) {
    const i = worst.index;
    expect.fail(
      `element ${i} of ${expected.length}: ${actual[i]} instead of ${expected[i]}, ${worst.excess.toPrecision(3)} times the tolerance`,
    );
  }
}

/** Seeded normal numbers for tests (mulberry32 + Box-Muller): the same on every machine. */
export function randomNormal(count: number, seed: number): Float32Array<ArrayBuffer> {
  const uniform = mulberry32(seed);
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

/** Seeded uniform numbers in [0, 1) for tests. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
