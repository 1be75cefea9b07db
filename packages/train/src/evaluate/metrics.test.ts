import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { meanRocCurve, precisionRecallCurve, rocCurve, type PrecisionRecallPoint, type RocPoint } from "./curves.ts";
import { computeMetrics, type ClassMetrics } from "./metrics.ts";
import { positiveClassOf } from "./positiveClass.ts";
import { MetricsError, oneVersusRest, predictedClasses, type Predictions } from "./predictions.ts";
import { wilsonInterval } from "./wilson.ts";

interface OracleCase extends Predictions {
  name: string;
  probabilities: number[];
  labels: number[];
  classes: string[];
  expected: {
    samples: number;
    accuracy: number;
    accuracyInterval: [number, number];
    balancedAccuracy?: number;
    logLoss: number;
    confusionMatrix: number[][];
    macro?: Record<string, number>;
    weighted?: Record<string, number>;
    perClass: (ClassMetrics & {
      rocCurve: RocPoint[] | null;
      precisionRecallCurve: PrecisionRecallPoint[] | null;
    })[];
  };
}
const oracle: { cases: OracleCase[] } = JSON.parse(
  readFileSync(new URL("./testdata/metrics.json", import.meta.url), "utf8"),
);

/** Equal but for the rounding of double precision. */
function expectClose(actual: unknown, expected: unknown, path = "value"): void {
  if (typeof expected === "number" && typeof actual === "number") {
    expect(Math.abs(actual - expected), `${path}: ${actual} against ${expected}`).toBeLessThanOrEqual(1e-12);
  } else if (typeof expected === "object" && expected !== null && typeof actual === "object" && actual !== null) {
    expect(Object.keys(actual).sort(), path).toEqual(Object.keys(expected).sort());
    const found = new Map<string, unknown>(Object.entries(actual));
    for (const [key, value] of Object.entries(expected)) expectClose(found.get(key), value, `${path}.${key}`);
  } else expect(actual, path).toEqual(expected);
}

describe.each(oracle.cases)("scikit-learn's figures: $name", (example) => {
  const metrics = computeMetrics(example);
  const { expected } = example;

  test("accuracy, its Wilson interval, log loss, balanced accuracy and the confusion matrix", () => {
    expectClose(metrics.accuracy, expected.accuracy);
    expectClose(metrics.intervals.accuracy, expected.accuracyInterval);
    expectClose(metrics.logLoss, expected.logLoss);
    if (expected.balancedAccuracy !== undefined) expectClose(metrics.balancedAccuracy, expected.balancedAccuracy);
    expect(metrics.confusionMatrix).toEqual(expected.confusionMatrix);
    expect(metrics.samples).toBe(expected.samples);
  });

  test("every class's figures and intervals", () => {
    expectClose(
      // What is no binomial proportion of a fixed count has its intervals checked in intervals.test.ts.
      metrics.perClass.map(({ intervals: { recall, specificity }, ...figures }) => ({
        ...figures,
        intervals: { recall, specificity },
      })),
      expected.perClass.map(
        ({ rocCurve: _roc, precisionRecallCurve: _pr, intervals: { recall, specificity }, ...figures }) => ({
          ...figures,
          intervals: { recall, specificity },
        }),
      ),
    );
  });

  test.each(["macro", "weighted"] as const)("the %s averages", (kind) => {
    for (const [figure, value] of Object.entries(expected[kind] ?? {})) {
      expectClose(new Map<string, unknown>(Object.entries(metrics[kind])).get(figure), value, figure);
    }
  });

  test("the mean ROC curve has the mean of the areas under it", () => {
    const curves = example.classes.flatMap((_, index) => {
      const { positive, scores } = oneVersusRest(example, index);
      const curve = rocCurve(positive, scores);
      return curve ? [curve] : [];
    });
    const points = meanRocCurve(curves);
    const area = points.reduce((sum, p, i) => {
      const before = points[i - 1] ?? p;
      return (
        sum + ((p.truePositiveRate + before.truePositiveRate) / 2) * (p.falsePositiveRate - before.falsePositiveRate)
      );
    }, 0);
    expect(area).toBeCloseTo(metrics.macro.rocAuc!, 12);
    points.forEach((p, i) => expect(p.truePositiveRate).toBeGreaterThanOrEqual(points[i - 1]?.truePositiveRate ?? 0));
    expect(points.at(-1)).toEqual({ falsePositiveRate: 1, truePositiveRate: 1 });
  });

  test("the points of the ROC and precision-recall curves", () => {
    expected.perClass.forEach((figures, index) => {
      const { positive, scores } = oneVersusRest(example, index);
      expectClose(rocCurve(positive, scores), figures.rocCurve, `roc ${index}`);
      const curve = precisionRecallCurve(positive, scores);
      const full = curve?.findIndex((point) => point.recall === 1) ?? -1;
      expectClose(curve?.slice(0, full + 1) ?? null, figures.precisionRecallCurve, `pr ${index}`);
    });
  });
});

describe("computeMetrics", () => {
  const two = {
    classes: ["fractured", "not fractured"],
    labels: [0, 0, 1],
    probabilities: [0.9, 0.1, 0.2, 0.8, 0.3, 0.7],
  };

  test("the headline figures of two classes are the positive class's", () => {
    const metrics = computeMetrics(two);
    expect(metrics).toMatchObject({
      positiveClass: "fractured",
      precision: 1,
      recall: 0.5,
      specificity: 1,
      f1: 2 / 3,
    });
    const other = computeMetrics(two, { positiveClass: "not fractured" });
    expect(other).toMatchObject({
      positiveClass: "not fractured",
      precision: 0.5,
      recall: 1,
      specificity: 0.5,
    });
    expect(other.intervals.recall).toEqual(metrics.intervals.specificity);
  });

  test("the headline figures of three classes are the macro averages", () => {
    const metrics = computeMetrics({
      classes: ["a", "b", "c"],
      labels: [0, 1],
      probabilities: [1, 0, 0, 0.6, 0.4, 0],
    });
    expect(metrics.positiveClass).toBeNull();
    expect(metrics).toMatchObject(metrics.macro);
    // Class b is never predicted and c is neither there nor predicted: they don't count as 0.
    expect(metrics.perClass.map((c) => c.precision)).toEqual([0.5, null, null]);
    expect(metrics.precision).toBe(0.5);
    expect(metrics.perClass.map((c) => c.f1)).toEqual([2 / 3, 0, null]);
    expect(metrics.perClass.map((c) => c.rocAuc)).toEqual([1, 1, null]);
  });

  test("with one class in the labels, what needs the other is null", () => {
    const metrics = computeMetrics({ ...two, labels: [1, 1, 1] });
    expect(metrics).toMatchObject({
      recall: null,
      rocAuc: null,
      averagePrecision: null,
      precision: 0,
      f1: 0,
    });
    expect(metrics.balancedAccuracy).toBeCloseTo(2 / 3, 12);
  });

  test("a true class with probability 0 costs a finite loss", () => {
    const { logLoss } = computeMetrics({ classes: ["a", "b"], labels: [1], probabilities: [1, 0] });
    expect(logLoss).toBeCloseTo(52 * Math.LN2, 12);
  });

  test("metrics survive JSON", () => {
    const metrics = computeMetrics({ ...two, labels: [1, 1, 1] });
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
  });

  test("equal probabilities go to the first class", () => {
    expect([...predictedClasses([0.5, 0.5, 0.2, 0.8], 2)]).toEqual([0, 1]);
  });

  test.each([
    [{ labels: [] }, "metrics: there are no samples"],
    [{ labels: [0, 1] }, "metrics: 2 labels and 2 classes need 4 probabilities, got 6"],
    [{ labels: [0, 2, 1] }, "metrics: sample 1 has label 2, there are 2 classes"],
    [{ classes: ["a"] }, "metrics: there must be at least 2 classes, got 1"],
    [{ classes: ["a", "a"] }, "metrics: class names are repeated (a, a)"],
    [{ probabilities: [1, 0, NaN, 0, 1, 0] }, "metrics: sample 1 has probability NaN for fractured"],
    [{ probabilities: [1, 0, 0.5, 0.4, 1, 0] }, "metrics: the probabilities of sample 1 sum to 0.9, not to 1"],
  ])("refuses %j", (change, message) => {
    const compute = () => computeMetrics({ ...two, ...change });
    expect(compute).toThrow(MetricsError);
    expect(compute).toThrow(message);
  });

  test("refuses a positive class that isn't there", () => {
    expect(() => computeMetrics(two, { positiveClass: "broken" })).toThrow(
      'metrics: positiveClass "broken" must be one of two classes (classes: fractured, not fractured)',
    );
  });
});

test("the mean of ROC curves is taken on both sides of a step", () => {
  const at = (...points: [number, number][]) =>
    points.map(([falsePositiveRate, truePositiveRate]) => ({ falsePositiveRate, truePositiveRate }));
  const steps = at([0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]);
  expect(meanRocCurve([steps, at([0, 0], [1, 1])])).toEqual(at([0, 0], [0, 0.25], [0.5, 0.5], [0.5, 0.75], [1, 1]));
});

describe("the positive class", () => {
  test.each([
    ["fractured", "not fractured", 0],
    ["fractured", "not_fractured", 0],
    ["Fractured", "Non-Fractured", 0],
    ["fractured", "nonfractured", 0],
    ["fractured", "unfractured", 0],
    ["abnormal", "normal", 0],
    ["no finding", "nodule", 1],
    ["normal", "pneumonia", 1],
    ["nodule", "opacity", 1],
    ["cat", "dog", 1],
    ["not a", "not b", 1],
  ] as const)("of %s and %s", (first, second, index) => {
    expect(positiveClassOf([first, second])).toBe(index);
  });
});

test("Wilson's interval holds its proportion and stays within [0, 1]", () => {
  for (const trials of [1, 2, 7, 198]) {
    for (let k = 0; k <= trials; k++) {
      const [low, high] = wilsonInterval(k, trials) ?? [NaN, NaN];
      expect(low >= 0 && low <= k / trials && k / trials <= high && high <= 1, `${k} of ${trials}`).toBe(true);
    }
  }
  expect(wilsonInterval(0, 0)).toBeNull();
});
