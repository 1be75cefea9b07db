import { z } from "zod";
import { calibrationError, CALIBRATION_BINS, fitTemperature, reliabilityBins } from "./calibration.ts";
import { sampleLoss } from "./figures.ts";
import { positiveClassOf } from "./positiveClass.ts";
import { oneVersusRest, predictedClasses, type Predictions } from "./predictions.ts";
import { softmaxRows } from "./softmax.ts";
import { chooseThreshold, type ThresholdRule } from "./threshold.ts";

const fitSchema = z.object({ logLoss: z.number(), calibrationError: z.number() });

/** What a model file says of how its logits become probabilities and decisions; chosen on the validation split. */
export const decisionSchema = z.object({
  /** Logits are divided by it. */
  temperature: z.number().gt(0),
  /** Why it is 1; null where it was fitted. */
  reason: z.string().nullable(),
  /** Null: the class with the largest probability. */
  threshold: z
    .object({
      positiveClass: z.string(),
      /** The class is decided for from this calibrated probability on. */
      value: z.number().gt(0).max(1),
      rule: z.enum(["youden", "sensitivity"]),
      /** What was wished. */
      sensitivity: z.number().nullable(),
    })
    .nullable(),
  /** Pictures of the validation split. */
  samples: z.int().min(1),
  /** On them, by this many bins of equal width, without the temperature and with it. */
  bins: z.int().min(1),
  before: fitSchema,
  after: fitSchema,
});

export type Decision = z.output<typeof decisionSchema>;
export type CalibrationFigures = z.output<typeof fitSchema>;

/** Probabilities [n, classes] and classes decided for [n], from logits [n, classes]. Without a decision: softmax, and the largest. */
export function decide(
  logits: ArrayLike<number>,
  classes: readonly string[],
  decision: Decision | null,
): { readonly probabilities: Float64Array<ArrayBuffer>; readonly predicted: Int32Array } {
  const width = classes.length;
  const probabilities = softmaxRows(logits, width, decision?.temperature ?? 1);
  const predicted = predictedClasses(probabilities, width);
  const threshold = decision?.threshold;
  const positive = threshold ? classes.indexOf(threshold.positiveClass) : -1;
  if (threshold && positive >= 0 && width === 2)
    predicted.forEach((_, i) => {
      predicted[i] = probabilities[2 * i + positive]! >= threshold.value ? positive : 1 - positive;
    });
  return { probabilities, predicted };
}

/**
 * Fits the temperature, then chooses the threshold by the calibrated probabilities (of two classes only).
 *
 * @param logits [n, classes] of the validation split, and of no other
 * @param labels [n]
 * @param rule null: the largest probability decides
 */
export function fitDecision(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: readonly string[],
  rule: ThresholdRule | null,
): Decision {
  const fitted = fitTemperature(logits, labels, classes.length);
  const before = { classes, labels, probabilities: softmaxRows(logits, classes.length) };
  const after = { ...before, probabilities: softmaxRows(logits, classes.length, fitted.temperature) };
  const positive = positiveOf(classes);
  let threshold: Decision["threshold"] = null;
  if (positive !== null && rule !== null) {
    const { positive: mine, scores } = oneVersusRest(after, positive);
    const value = chooseThreshold(mine, scores, rule);
    const sensitivity = rule.kind === "sensitivity" ? rule.sensitivity : null;
    if (value !== null) threshold = { positiveClass: classes[positive]!, value, rule: rule.kind, sensitivity };
  }
  return {
    ...fitted,
    threshold,
    samples: labels.length,
    bins: CALIBRATION_BINS,
    before: calibrationFigures(before),
    after: calibrationFigures(after),
  };
}

/** The index of the positive one of two classes; null for several. */
export function positiveOf(classes: readonly string[]): number | null {
  const [first, second, third] = classes;
  return first === undefined || second === undefined || third !== undefined ? null : positiveClassOf([first, second]);
}

export function calibrationFigures(predictions: Predictions): CalibrationFigures {
  const { classes, labels, probabilities } = predictions;
  const losses = Array.from(labels, (label, i) => sampleLoss(probabilities[i * classes.length + label]!));
  return {
    logLoss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
    calibrationError: calibrationError(reliabilityBins(predictions, positiveOf(classes))),
  };
}
