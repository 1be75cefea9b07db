import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { calibrationError, fitTemperature, reliabilityBins } from "./calibration.ts";
import { decide, decisionSchema, fitDecision, type CalibrationFigures } from "./decision.ts";
import { plotTables } from "./plotTables.ts";
import { chooseThreshold } from "./threshold.ts";

interface Choice {
  sensitivity: number;
  falsePositiveRate: number;
  atMost: number;
  above: number;
}
interface OracleCase {
  name: string;
  classes: string[];
  labels: number[];
  logits: number[];
  temperature: number;
  before: CalibrationFigures;
  after: CalibrationFigures;
  youden?: Choice;
  sensitivity?: Choice;
}
const oracle: { cases: OracleCase[] } = JSON.parse(
  readFileSync(new URL("./testdata/calibration.json", import.meta.url), "utf8"),
);

describe.each(oracle.cases)("scipy's and scikit-learn's calibration: $name", (example) => {
  const { classes, labels, logits } = example;
  const decision = fitDecision(logits, labels, classes, { kind: "youden" });

  test("the temperature, the loss and the calibration error before and after it", () => {
    expect(decision.temperature / example.temperature).toBeCloseTo(1, 6);
    for (const when of ["before", "after"] as const) {
      expect(decision[when].logLoss).toBeCloseTo(example[when].logLoss, 7);
      expect(decision[when].calibrationError).toBeCloseTo(example[when].calibrationError, 6);
    }
  });

  test.runIf(example.youden)("Youden's threshold and that of a wished sensitivity, between two scores", () => {
    for (const rule of ["youden", "sensitivity"] as const) {
      const wished = rule === "youden" ? { kind: rule } : { kind: rule, sensitivity: 0.95 };
      const chosen = fitDecision(logits, labels, classes, wished);
      const { value } = chosen.threshold!;
      expect(value).toBeLessThan(example[rule]!.atMost);
      expect(value).toBeGreaterThan(example[rule]!.above);
      const { predicted } = decide(logits, classes, chosen);
      const found = (label: number): number =>
        labels.filter((l, i) => l === label && predicted[i] === 0).length / labels.filter((l) => l === label).length;
      expect(found(0)).toBeCloseTo(example[rule]!.sensitivity, 12);
      expect(found(1)).toBeCloseTo(example[rule]!.falsePositiveRate, 12);
    }
  });

  test("survives the metadata's JSON", () => {
    expect(decisionSchema.parse(JSON.parse(JSON.stringify(decision)))).toEqual(decision);
  });
});

test("the temperature is 1 where none can be learnt, with the reason", () => {
  expect(fitTemperature([3, 0, 0, 1], [0, 1], 2)).toEqual({ temperature: 1, reason: expect.stringContaining("right") });
  expect(fitTemperature([3, 0, 0, 1], [1, 0], 2)).toEqual({
    temperature: 1,
    reason: expect.stringContaining("chance"),
  });
});

test("one class in validation, or several classes, leave no threshold: the largest probability decides", () => {
  const logits = [2, 0, 0, 1, 1, 0];
  const alone = fitDecision(logits, [0, 0, 0], ["a", "b"], { kind: "youden" });
  expect(alone.threshold).toBeNull();
  expect([...decide(logits, ["a", "b"], alone).predicted]).toEqual([0, 1, 0]);
  expect(fitDecision([1, 0, 0, 0, 1, 0], [0, 2], ["a", "b", "c"], { kind: "youden" }).threshold).toBeNull();
});

test("of equal sums Youden's index takes the higher sensitivity; a perfect split the middle of its gap", () => {
  expect(chooseThreshold([true, false, true, false], [0.9, 0.7, 0.5, 0.1], { kind: "youden" })).toBeCloseTo(0.3, 12);
  expect(chooseThreshold([true, true, false], [0.9, 0.8, 0.2], { kind: "youden" })).toBe(0.5);
  expect(chooseThreshold([true, true], [0.9, 0.8], { kind: "youden" })).toBeNull();
});

test("a probability on a bin's edge belongs to the lower bin, 0 and 1 to the outermost", () => {
  const bins = reliabilityBins({ classes: ["a", "b"], labels: [0, 1, 0], probabilities: [0, 1, 0.5, 0.5, 1, 0] }, 0, 2);
  expect(bins.map(({ count, observed, meanProbability }) => [count, observed, meanProbability])).toEqual([
    [2, 0.5, 0.25],
    [1, 1, 1],
  ]);
  expect(calibrationError(bins)).toBeCloseTo((2 / 3) * 0.25, 12);
});

test("the plots' tables hold the curves of the positive class, a line a threshold", () => {
  const given = {
    classes: ["fractured", "not fractured"],
    labels: [0, 1, 0, 1],
    probabilities: [0.9, 0.1, 0.6, 0.4, 0.5, 0.5, 0.25, 0.75],
  };
  const tables = plotTables(given);
  expect(tables["threshold_sweep"]).toBe(
    "threshold,sensitivity,specificity,precision,f1\n0.9,0.5,1,1,0.6666666666666666\n0.6,0.5,0.5,0.5,0.5\n" +
      "0.5,1,0.5,0.6666666666666666,0.8\n0.25,1,0,0.5,0.6666666666666666\n",
  );
  expect(tables["roc"]!.split("\n").slice(0, 3)).toEqual([
    "class,threshold,false_positive_rate,true_positive_rate",
    "fractured,,0,0",
    "fractured,0.9,0,0.5",
  ]);
  expect(tables["reliability"]!.split("\n")).toHaveLength(1 + 15 + 1);
  const three = { classes: ["a", "b", "c"], labels: [0, 1], probabilities: [1, 0, 0, 0, 1, 0] };
  expect(Object.keys(plotTables(three)).sort()).toEqual(["precision_recall", "reliability", "roc"]);
});
