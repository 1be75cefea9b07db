import { CompareError } from "../compare/errors.ts";
import { readPredictions, type PredictionFile } from "../compare/readPredictions.ts";
import { calibrationFigures, positiveOf } from "../evaluate/decision.ts";
import { computeMetrics } from "../evaluate/metrics.ts";
import { predictedClasses } from "../evaluate/predictions.ts";
import type { PredictionTable } from "../run/results.ts";
import type { SeedsSummary } from "./summary.ts";

/** What the runs of several seeds say together. */
export interface Together {
  readonly table: PredictionTable;
  readonly summary: NonNullable<SeedsSummary["together"]>;
}

/**
 * The mean of the runs' probabilities of the same pictures, and its figures with their 95% intervals over the pictures. The larger mean
 * probability decides, or, where the runs chose thresholds of their own, the mean of these.
 *
 * @param thresholds one a run; null where it has none
 * @throws CompareError where the runs were not tested on the same pictures
 */
export function togetherOf(files: readonly string[], thresholds: readonly (number | null)[]): Together {
  const [first, ...others] = files.map((file) => readPredictions(file));
  if (!first) throw new CompareError("there are no runs");
  for (const other of others) {
    if (!samePictures(first, other))
      throw new CompareError(`the runs were tested on other pictures: ${first.path} and ${other.path} differ`);
  }
  const { classes, labels, paths, groups } = first;
  const all = [first, ...others];
  const probabilities = first.probabilities.map(
    (_, i) => all.reduce((sum, table) => sum + table.probabilities[i]!, 0) / all.length,
  );
  const positive = positiveOf(classes);
  const threshold =
    positive !== null && thresholds.every((value) => value !== null)
      ? thresholds.reduce((sum, value) => sum + value, 0) / thresholds.length
      : null;
  const predicted =
    threshold === null
      ? predictedClasses(probabilities, classes.length)
      : labels.map((_, i) => (probabilities[2 * i + positive!]! >= threshold ? positive! : 1 - positive!));
  const decided = { classes: [...classes], labels, probabilities, predicted };
  const metrics = computeMetrics(decided, { groups: groups ?? undefined });
  const { calibrationError } = calibrationFigures(decided);
  const { accuracy, precision, recall, specificity, f1, rocAuc, averagePrecision, logLoss, intervals } = metrics;
  return {
    table: { classes, paths, labels, predicted, probabilities, groups: groups ?? undefined },
    summary: {
      figures: {
        accuracy,
        precision,
        recall,
        specificity,
        f1,
        rocAuc,
        averagePrecision,
        logLoss,
        calibrationError,
      },
      intervals: {
        accuracy: intervals.accuracy,
        precision: intervals.precision,
        recall: intervals.recall,
        specificity: intervals.specificity,
        f1: intervals.f1,
        rocAuc: intervals.rocAuc,
        averagePrecision: intervals.averagePrecision,
        logLoss: intervals.logLoss,
        calibrationError: null,
      },
      threshold,
    },
  };
}

const samePictures = (a: PredictionFile, b: PredictionFile): boolean =>
  JSON.stringify([a.classes, a.names, a.labels]) === JSON.stringify([b.classes, b.names, b.labels]);
