import { join } from "node:path";
import type { SplitName } from "../data/split.ts";
import { writeJson, writePredictions } from "../run/results.ts";
import { computeMetrics, type Metrics } from "./metrics.ts";
import { predictedClasses } from "./predictions.ts";
import { writePlots } from "./plots.ts";
import { softmaxRows } from "./softmax.ts";

/** What a model says about a labelled split. */
export interface SplitOutcome {
  readonly split: SplitName;
  readonly classes: readonly string[];
  readonly paths: readonly string[];
  readonly labels: readonly number[];
  /** [n, classes] */
  readonly logits: Float32Array;
  readonly metrics: Metrics;
}

/** The figures of a split from its logits. */
export function outcomeOf(given: Omit<SplitOutcome, "metrics">): SplitOutcome {
  const probabilities = softmaxRows(given.logits, given.classes.length);
  return { ...given, metrics: computeMetrics({ classes: given.classes, labels: given.labels, probabilities }) };
}

/**
 * Writes a split's `predictions.csv` and plots into a folder: in the run's `results/` the test split has the plain names, and
 * others are in a folder of their own.
 *
 * @throws FileWriteError
 */
export async function writeOutcome(folder: string, outcome: SplitOutcome): Promise<void> {
  const { classes, paths, labels, logits, metrics } = outcome;
  const probabilities = softmaxRows(logits, classes.length);
  const predicted = predictedClasses(probabilities, classes.length);
  await writePredictions(join(folder, "predictions.csv"), { classes, paths, labels, predicted, probabilities });
  await writePlots(folder, { evaluation: { predictions: { classes, labels, probabilities }, metrics } });
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
  const rest = Object.fromEntries(others.map(({ split, metrics }) => [split, metrics]));
  await writeJson(path, { split: first.split, ...first.metrics, ...rest, ...more });
}
