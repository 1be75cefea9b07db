import { csvLine, type CsvCell } from "../run/csv.ts";
import { reliabilityBins } from "./calibration.ts";
import { meanRocCurve, precisionRecallCurve, rocCurve } from "./curves.ts";
import { positiveOf } from "./decision.ts";
import { oneVersusRest, type Predictions } from "./predictions.ts";
import { thresholdSweep } from "./sweep.ts";

/**
 * The numbers of the plots of an evaluation, as CSV, by the plot's name. What is undefined has no lines. Lines of the ROC curves without a
 * class are the mean of several.
 */
export function plotTables(predictions: Predictions): Record<string, string> {
  const { classes } = predictions;
  const positive = positiveOf(classes);
  const drawn = positive === null ? classes.map((_, index) => index) : [positive];
  const each = drawn.map((index) => ({ name: classes[index]!, ...oneVersusRest(predictions, index) }));
  const rocs = each.flatMap(({ name, positive: mine, scores }) => {
    const points = rocCurve(mine, scores);
    return points ? [{ name, points }] : [];
  });
  const tables: Record<string, string> = {
    roc: table(
      ["class", "threshold", "false_positive_rate", "true_positive_rate"],
      [
        ...rocs.flatMap(({ name, points }) =>
          points.map((p) => [name, p.threshold, p.falsePositiveRate, p.truePositiveRate]),
        ),
        // Of no class.
        ...(rocs.length > 1 ? meanRocCurve(rocs.map(({ points }) => points)) : []).map((p) => [
          "",
          null,
          p.falsePositiveRate,
          p.truePositiveRate,
        ]),
      ],
    ),
    precision_recall: table(
      ["class", "threshold", "recall", "precision"],
      each.flatMap(({ name, positive: mine, scores }) =>
        (precisionRecallCurve(mine, scores) ?? []).map((p) => [name, p.threshold, p.recall, p.precision]),
      ),
    ),
    reliability: table(
      ["from", "to", "images", "mean_probability", "observed", "interval_low", "interval_high"],
      reliabilityBins(predictions, positive).map((bin) => [
        bin.low,
        bin.high,
        bin.count,
        bin.meanProbability,
        bin.observed,
        bin.interval?.[0] ?? null,
        bin.interval?.[1] ?? null,
      ]),
    ),
  };
  const [only] = each;
  if (positive !== null && only)
    tables["threshold_sweep"] = table(
      ["threshold", "sensitivity", "specificity", "precision", "f1"],
      (thresholdSweep(only.positive, only.scores) ?? []).map((p) => [
        p.threshold,
        p.sensitivity,
        p.specificity,
        p.precision,
        p.f1,
      ]),
    );
  return tables;
}

const table = (columns: readonly string[], rows: readonly (readonly CsvCell[])[]): string =>
  csvLine(columns) + rows.map(csvLine).join("");
