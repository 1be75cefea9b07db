import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Resampling } from "./bootstrap.ts";
import { averagePrecision, rocAuc } from "./curves.ts";
import { computeMetrics } from "./metrics.ts";
import type { Predictions } from "./predictions.ts";
import { rank, rankFigures } from "./ranking.ts";
import { studentQuantile } from "./studentT.ts";
import type { Interval } from "./wilson.ts";

interface OracleCase extends Predictions {
  name: string;
  groups: number[];
  intervals: Record<"precision" | "f1" | "rocAuc" | "averagePrecision" | "balancedAccuracy" | "recall", Interval>;
  wilson: Record<"accuracy" | "recall" | "specificity", Interval>;
  delong: number;
}
type Averaged = Record<"precision" | "recall" | "f1" | "rocAuc" | "averagePrecision", Interval>;
const oracle: {
  cases: OracleCase[];
  several: Predictions & { macro: Averaged; weighted: Averaged };
  student: [number, number][];
} = JSON.parse(readFileSync(new URL("./testdata/intervals.json", import.meta.url), "utf8"));
const grouped = ({ groups }: OracleCase): boolean => new Set(groups).size < groups.length;
const logit = (p: number): number => Math.log(p / (1 - p));
/** On the logits' scale, where the intervals are even. */
const width = ([low, high]: Interval): number => logit(high) - logit(low);

describe.each(oracle.cases)("scikit-learn's and statsmodels' intervals: $name", (example) => {
  const { groups } = example;
  const given = { resamples: 3000, ...(grouped(example) ? { groups } : {}), positiveClass: example.classes[0]! };
  const { intervals } = computeMetrics(example, given);

  test("the bootstrap's, but for the spread between two bootstraps", () => {
    for (const [figure, [low, high]] of Object.entries(example.intervals)) {
      if (figure === "recall" && !grouped(example)) continue; // Wilson's
      const ours = intervals[figure as keyof OracleCase["intervals"]]!;
      expect(
        Math.abs(width(ours) / width([low, high]) - 1),
        `${figure}: ${ours.join(" to ")} against ${low} to ${high}`,
      ).toBeLessThan(0.05);
      expect(logit(ours[0]) + logit(ours[1])).toBeCloseTo(logit(low) + logit(high), 6);
    }
  });

  test.runIf(!grouped(example))("Wilson's of what is binomial", () => {
    for (const figure of ["accuracy", "recall", "specificity"] as const) {
      const [low, high] = example.wilson[figure];
      expect(intervals[figure]![0]).toBeCloseTo(low, 12);
      expect(intervals[figure]![1]).toBeCloseTo(high, 12);
    }
  });
});

test.each(["macro", "weighted"] as const)("the bootstrap's intervals of the %s averages of four classes", (kind) => {
  const { intervals } = computeMetrics(oracle.several, { resamples: 3000 })[kind];
  for (const figure of ["precision", "recall", "f1", "rocAuc", "averagePrecision"] as const) {
    const [low, high] = oracle.several[kind][figure];
    const ours = intervals[figure]!;
    expect(Math.abs(width(ours) / width([low, high]) - 1), `${figure}: ${ours.join(" to ")}`).toBeLessThan(0.05);
    expect(logit(ours[0]) + logit(ours[1])).toBeCloseTo(logit(low) + logit(high), 6);
  }
});

test("the bootstrap's standard error of the AUC is DeLong's", () => {
  const [example] = oracle.cases;
  const { positive, scores } = {
    positive: Array.from(example!.labels, (label) => label === 0),
    scores: Array.from(example!.labels, (_, i) => example!.probabilities[2 * i]!),
  };
  const ranking = rank(positive, scores);
  const areas: number[] = [];
  new Resampling(example!.labels).draw(4000, (weights) => areas.push(rankFigures(ranking, weights).rocAuc));
  const mean = areas.reduce((sum, area) => sum + area / areas.length, 0);
  const error = Math.sqrt(areas.reduce((sum, area) => sum + (area - mean) ** 2 / areas.length, 0));
  expect(Math.abs(error / example!.delong - 1)).toBeLessThan(0.04);
});

test("figures by a ranking are the curves', samples counting as often as they are there", () => {
  const labels = [1, 0, 1, 1, 0, 0, 1, 0];
  const scores = [0.9, 0.8, 0.8, 0.6, 0.5, 0.3, 0.2, 0.2];
  const weights = [2, 0, 1, 3, 1, 2, 0, 1];
  const repeated = weights.flatMap((weight, i) => Array.from({ length: weight }, () => i));
  const positive = labels.map((label) => label === 1);
  for (const [which, counts] of [
    [labels.map((_, i) => i), labels.map(() => 1)],
    [repeated, weights],
  ] as const) {
    const [mine, theirs] = [which.map((i) => positive[i]!), which.map((i) => scores[i]!)];
    const found = rankFigures(rank(positive, scores), counts);
    expect(found.rocAuc).toBeCloseTo(rocAuc(mine, theirs)!, 12);
    expect(found.averagePrecision).toBeCloseTo(averagePrecision(mine, theirs)!, 12);
  }
});

test("draws keep groups whole and class counts as they are, and are the seed's", () => {
  const labels = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1];
  const groups = ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e"];
  const draws = (seed: number): number[][] => {
    const found: number[][] = [];
    new Resampling(labels, { groups, seed }).draw(50, (weights) => found.push([...weights]));
    return found;
  };
  const first = draws(1);
  for (const weights of first) {
    for (let i = 0; i < 10; i += 2) expect(weights[i]).toBe(weights[i + 1]);
    expect(weights.slice(0, 4).reduce((a, b) => a + b)).toBe(4);
    expect(weights.slice(4).reduce((a, b) => a + b)).toBe(6);
  }
  expect(draws(1)).toEqual(first);
  expect(draws(2)).not.toEqual(first);
});

test("films of one patient make intervals wider", () => {
  const labels = Array.from({ length: 80 }, (_, i) => (i < 40 ? 0 : 1));
  // Four films a patient, which agree.
  const p = labels.map((label, i) => (Math.sin(Math.floor(i / 4) * 7.3) + (label === 0 ? 0.8 : -0.8) > 0 ? 0.8 : 0.3));
  const given = { classes: ["a", "b"], labels, probabilities: p.flatMap((x) => [x, 1 - x]) };
  const alone = computeMetrics(given, { positiveClass: "a" }).intervals;
  const together = computeMetrics(given, {
    positiveClass: "a",
    groups: labels.map((_, i) => Math.floor(i / 4)),
  }).intervals;
  for (const figure of ["accuracy", "recall", "specificity", "f1", "rocAuc"] as const)
    expect(width(together[figure]!) / width(alone[figure]!), figure).toBeGreaterThan(1.6);
});

test("a figure of 1 has an interval: what so few samples allow", () => {
  const labels = Array.from({ length: 30 }, (_, i) => i % 2);
  const given = {
    classes: ["a", "b"],
    labels,
    probabilities: labels.flatMap((label) => (label === 0 ? [0.9, 0.1] : [0.2, 0.8])),
  };
  const { intervals, rocAuc: area } = computeMetrics(given);
  expect(area).toBe(1);
  expect(intervals.rocAuc![1]).toBe(1);
  expect(intervals.rocAuc![0]).toBeCloseTo(0.7961, 4); // Wilson's of 15 in 15
});

test("intervals hold the truth about 95 times in a hundred", () => {
  // An exponential score of mean 1 against one of mean 4: the AUC is 4 / 5.
  let state = 1;
  const uniform = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
  const sets = 200;
  let held = 0;
  for (let set = 0; set < sets; set++) {
    const labels = Array.from({ length: 60 }, (_, i) => (i < 30 ? 0 : 1));
    const scores = labels.map((label) => -Math.log(uniform()) * (label === 0 ? 4 : 1));
    const probabilities = scores.flatMap((score) => [score / (1 + score), 1 / (1 + score)]);
    const given = { classes: ["a", "b"], labels, probabilities };
    const [low, high] = computeMetrics(given, { seed: set, resamples: 100, positiveClass: "a" }).intervals.rocAuc!;
    if (low <= 0.8 && 0.8 <= high) held++;
  }
  // Three standard deviations of 200 trials about 95%.
  expect(held / sets).toBeGreaterThan(0.95 - 0.046);
  expect(held / sets).toBeLessThan(0.95 + 0.046);
});

test("Student's quantiles are scipy's", () => {
  for (const [freedom, quantile] of oracle.student) expect(studentQuantile(freedom)).toBeCloseTo(quantile, 3);
});
