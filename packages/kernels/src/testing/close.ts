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

/** Fails with the worst element unless |actual - expected| <= bound everywhere, each element with its own (NaN fails). */
export function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, bounds: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  let worst = { index: -1, excess: 1 };
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    const excess = Number.isNaN(error) ? Infinity : error === 0 ? 0 : error / bounds[i]!;
    if (excess > worst.excess) worst = { index: i, excess };
  }
  const i = worst.index;
  if (i >= 0)
    expect.fail(
      `element ${i} of ${expected.length}: ${actual[i]} instead of ${expected[i]}, ${worst.excess.toPrecision(3)} times the bound`,
    );
}

/**
 * What a sum of `terms` products of f16 may be off by when it is summed in f32, in whatever order, given the sum of their
 * magnitudes: the products are exact, and each addition loses at most a unit in the last place (half a one where it rounds, one
 * where a matrix unit cuts off). `half`: the result, of such magnitude, is then rounded to f16.
 */
export const sumBounds = (terms: number, magnitudes: ArrayLike<number>, half: ArrayLike<number> | null): Float64Array =>
  Float64Array.from(magnitudes, (magnitude, i) => {
    const sum = (terms + 1) * 2 ** -23 * magnitude;
    return half ? sum + 2 ** -25 + 2 ** -11 * (Math.abs(half[i]!) + sum) : sum;
  });
