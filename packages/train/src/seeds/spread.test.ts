import { expect, it } from "vitest";
import { meanDifference, spreadOf } from "./spread.ts";

const A = [0.75, 0.78, 0.74, 0.79, 0.765];
const B = [0.8, 0.77, 0.83];
/**
 * numpy.std(A, ddof=1); scipy.stats.t.interval(0.95, 4, mean(A), sem(A)); and of B less A the mean with t.ppf(0.975, floor(df)) times the
 * root of var(A) / 5 + var(B) / 3, whose Welch-Satterthwaite df is 3.17.
 */
const SCIPY = {
  deviation: 0.020615528128088322,
  interval: [0.7394024409193957, 0.7905975590806044],
  difference: 0.035,
  welch: [-0.027444105623472312, 0.09744410562347215],
} as const;

it("mean, deviation and Student's interval of five runs are scipy's", () => {
  const found = spreadOf(A)!;
  expect(found).toMatchObject({ runs: 5, min: 0.74, max: 0.79 });
  expect(found.mean).toBeCloseTo(0.765, 12);
  expect(found.deviation).toBeCloseTo(SCIPY.deviation, 12);
  expect(found.interval![0]).toBeCloseTo(SCIPY.interval[0], 9);
  expect(found.interval![1]).toBeCloseTo(SCIPY.interval[1], 9);
});

it("no interval leaves what the figure can be", () => {
  expect(spreadOf([0.9, 1], [0, 1])!.interval).toEqual([expect.closeTo(0.95 - 0.6353102368, 8), 1]);
});

it("runs without the figure don't count, a single one has no spread, and none has no figure", () => {
  expect(spreadOf([null, 0.5])).toEqual({ runs: 1, mean: 0.5, deviation: null, min: 0.5, max: 0.5, interval: null });
  expect(spreadOf([0.5, 0.5, 0.5])).toMatchObject({ deviation: 0, interval: null });
  expect(spreadOf([null, null])).toBe(null);
});

it("the difference of two means has Welch's interval, of whole degrees of freedom", () => {
  const found = meanDifference(A, B)!;
  expect(found.difference).toBeCloseTo(SCIPY.difference, 12);
  expect(found.interval![0]).toBeCloseTo(SCIPY.welch[0], 9);
  expect(found.interval![1]).toBeCloseTo(SCIPY.welch[1], 9);
  expect(meanDifference(A, [0.8])).toMatchObject({ second: 0.8, interval: null });
  expect(meanDifference(A, [])).toBe(null);
});
