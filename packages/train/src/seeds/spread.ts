import { studentQuantile } from "../evaluate/studentT.ts";
import type { Interval } from "../evaluate/wilson.ts";

/** How a figure spreads over runs that differ in their seed alone. */
export interface Spread {
  /** Runs that have the figure. */
  readonly runs: number;
  readonly mean: number;
  /** Standard deviation of a run, n - 1 in the denominator; null of a single run. */
  readonly deviation: number | null;
  readonly min: number;
  readonly max: number;
  /** 95%, of the mean, by Student's t: over seeds, on the same pictures. Null of a single run, and where all are equal: that they always are is not shown by it. */
  readonly interval: Interval | null;
}

/**
 * Null where no run has the figure.
 *
 * @param bounds what the figure can be at all: no interval goes beyond
 */
export function spreadOf(
  values: readonly (number | null)[],
  [least, most]: Interval = [-Infinity, Infinity],
): Spread | null {
  const known = values.filter((value) => value !== null);
  const runs = known.length;
  if (runs === 0) return null;
  const mean = known.reduce((sum, value) => sum + value, 0) / runs;
  const [min, max] = [Math.min(...known), Math.max(...known)];
  if (runs === 1) return { runs, mean, deviation: null, min, max, interval: null };
  if (min === max) return { runs, mean: min, deviation: 0, min, max, interval: null };
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (runs - 1));
  const reach = (studentQuantile(runs - 1) * deviation) / Math.sqrt(runs);
  return { runs, mean, deviation, min, max, interval: [Math.max(least, mean - reach), Math.min(most, mean + reach)] };
}

/** The difference of the means of two sets of runs. */
export interface MeanDifference {
  readonly first: number;
  readonly second: number;
  /** Second less first. */
  readonly difference: number;
  /** 95%, by Welch's t, which takes the two spreads for unequal; null where a side has a single run, or nothing spreads. */
  readonly interval: Interval | null;
}

/** Null where a side has no run with the figure. */
export function meanDifference(
  first: readonly (number | null)[],
  second: readonly (number | null)[],
): MeanDifference | null {
  const [a, b] = [spreadOf(first), spreadOf(second)];
  if (!a || !b) return null;
  const difference = b.mean - a.mean;
  const means = { first: a.mean, second: b.mean, difference };
  if (a.deviation === null || b.deviation === null) return { ...means, interval: null };
  const [u, v] = [a.deviation ** 2 / a.runs, b.deviation ** 2 / b.runs];
  if (u + v === 0) return { ...means, interval: null };
  // Welch and Satterthwaite's degrees of freedom, rounded down: no table has fractions of them.
  const freedom = Math.max(1, Math.floor((u + v) ** 2 / (u ** 2 / (a.runs - 1) + v ** 2 / (b.runs - 1)) + 1e-9));
  const reach = studentQuantile(freedom) * Math.sqrt(u + v);
  return { ...means, interval: [difference - reach, difference + reach] };
}
