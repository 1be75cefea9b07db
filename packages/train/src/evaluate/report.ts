import { join } from "node:path";
import type { SplitName } from "../data/split.ts";
import { writeJson, writePredictions } from "../run/results.ts";
import type { Group } from "./bootstrap.ts";
import { calibrationFigures, decide, type CalibrationFigures, type Decision } from "./decision.ts";
import { hardestPictures } from "./hardest.ts";
import { computeMetrics, type Metrics } from "./metrics.ts";
import { writePlots } from "./plots.ts";
import type { Predictions } from "./predictions.ts";

/** What a model says about a labelled split. */
export interface SplitOutcome {
  readonly split: SplitName;
  readonly classes: readonly string[];
  readonly paths: readonly string[];
  readonly labels: readonly number[];
  /** [n, classes] */
  readonly logits: Float32Array;
  /** [n] Samples of one group (a patient's, or copies of a film) are not independent; undefined where all are. */
  readonly groups?: readonly Group[] | undefined;
  /** The model's; null: softmax, and the largest probability. */
  readonly decision: Decision | null;
  /** [n, classes], calibrated. */
  readonly probabilities: Float64Array;
  /** [n] class indices. */
  readonly predicted: Int32Array;
  readonly metrics: Metrics;
  /** Without temperature and threshold, what other programs give; null where there is no decision. */
  readonly plain: PlainFigures | null;
  /** How far probabilities are from what came true, with the temperature. */
  readonly calibration: CalibrationFigures;
}

/** The figures that temperature and threshold change, without them. */
export type PlainFigures = Pick<Metrics, "accuracy" | "precision" | "recall" | "specificity" | "f1" | "logLoss"> & {
  readonly intervals: Pick<Metrics["intervals"], "accuracy" | "precision" | "recall" | "specificity" | "f1">;
  readonly calibrationError: number;
};

export interface OutcomeOptions extends Pick<
  SplitOutcome,
  "split" | "classes" | "paths" | "labels" | "logits" | "groups"
> {
  readonly decision?: Decision | null;
}

/** The figures of a split from its logits. */
export function outcomeOf({ decision = null, ...given }: OutcomeOptions): SplitOutcome {
  const { classes, labels, logits, groups } = given;
  const decided = { classes, labels, ...decide(logits, classes, decision) };
  const { probabilities, predicted } = decided;
  const metrics = computeMetrics(decided, { groups });
  const plain = decision && plainFigures({ classes, labels, ...decide(logits, classes, null) }, groups);
  return { ...given, decision, probabilities, predicted, metrics, plain, calibration: calibrationFigures(decided) };
}

/** The figures of some of a split's pictures, with their intervals, at the split's temperature and threshold. */
export function metricsOf(
  { classes, labels, probabilities, predicted, groups }: SplitOutcome,
  members: readonly number[],
): Metrics {
  const width = classes.length;
  return computeMetrics(
    {
      classes,
      labels: members.map((i) => labels[i]!),
      probabilities: members.flatMap((i) => Array.from(probabilities.subarray(i * width, (i + 1) * width))),
      predicted: members.map((i) => predicted[i]!),
    },
    { groups: groups && members.map((i) => groups[i]!) },
  );
}

function plainFigures(predictions: Predictions, groups: readonly Group[] | undefined): PlainFigures {
  const { accuracy, precision, recall, specificity, f1, logLoss, intervals } = computeMetrics(predictions, { groups });
  return {
    accuracy,
    precision,
    recall,
    specificity,
    f1,
    logLoss,
    intervals: {
      accuracy: intervals.accuracy,
      precision: intervals.precision,
      recall: intervals.recall,
      specificity: intervals.specificity,
      f1: intervals.f1,
    },
    calibrationError: calibrationFigures(predictions).calibrationError,
  };
}

/** What `metrics.json` says of a split. */
export function figuresOf(outcome: SplitOutcome): Record<string, unknown> {
  const { metrics, decision, plain, calibration } = outcome;
  const { calibrationError } = calibration;
  // Of how many groups, where that is not the number of samples.
  const groups = outcome.groups ? { groups: new Set(outcome.groups).size } : {};
  return {
    ...metrics,
    ...groups,
    calibrationError,
    ...(plain ? { decision, plain } : {}),
    ...hardestPictures(outcome),
  };
}

/**
 * Writes a split's `predictions.csv` and plots into a folder: in the run's `results/` the test split has the plain names, and
 * others are in a folder of their own.
 *
 * @throws FileWriteError
 */
export async function writeOutcome(folder: string, outcome: SplitOutcome): Promise<void> {
  const { classes, paths, labels, logits, groups, decision, probabilities, predicted, metrics } = outcome;
  await writePredictions(join(folder, "predictions.csv"), { classes, paths, labels, predicted, probabilities, groups });
  await writePlots(folder, {
    evaluation: {
      predictions: { classes, labels, probabilities, predicted },
      metrics,
      threshold: decision?.threshold?.value,
      plain: decision ? { classes, labels, ...decide(logits, classes, null) } : undefined,
    },
  });
}

/**
 * `metrics.json`: the figures of the first outcome at the top, with the split's name, and those of others under theirs.
 */
export async function writeMetrics(
  path: string,
  [first, ...others]: readonly SplitOutcome[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  if (!first) return;
  const rest = Object.fromEntries(others.map((outcome) => [outcome.split, figuresOf(outcome)]));
  await writeJson(path, { split: first.split, ...figuresOf(first), ...rest, ...more });
}
