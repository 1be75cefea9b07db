import { join } from "node:path";
import { makeFolder } from "../run/makeFolder.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import type { HistoryRow } from "../run/history.ts";
import { computeMetrics, type Metrics } from "./metrics.ts";
import type { Predictions } from "./predictions.ts";
import { confusionMatrixPlot } from "./plots/confusionMatrix.ts";
import { precisionRecallPlot, rocPlot } from "./plots/curves.ts";
import { probabilityHistogramPlot } from "./plots/histogram.ts";
import { rooflinePlot, type Roofline, type RooflinePoint } from "./plots/roofline.ts";
import { reliabilityPlot } from "./plots/reliability.ts";
import { thresholdSweepPlot } from "./plots/sweep.ts";
import { trainingCurvesPlot } from "./plots/trainingCurves.ts";
import { plotTables } from "./plotTables.ts";
import type { Svg } from "./svg/element.ts";
import type { PlotLayout } from "./svg/layout.ts";
import { renderPng } from "./svg/png.ts";

export {
  confusionMatrixPlot,
  precisionRecallPlot,
  probabilityHistogramPlot,
  reliabilityPlot,
  renderPng,
  rocPlot,
  rooflinePlot,
  thresholdSweepPlot,
  trainingCurvesPlot,
  type PlotLayout,
  type Roofline,
  type RooflinePoint,
};

export interface PlotInputs {
  /** Draws `training_curves.png`. */
  training?: { history: readonly HistoryRow[]; bestEpoch: number | null };
  /**
   * Draws `confusion_matrix.png`, `roc.png`, `precision_recall.png`, `probabilities.png`, `reliability.png` and, for two classes,
   * `threshold_sweep.png`.
   */
  evaluation?: {
    predictions: Predictions;
    metrics?: Metrics;
    /** From which probability on the positive class was decided for. Default: 0.5. */
    threshold?: number | undefined;
    /** Without the temperature, where there is one. */
    plain?: Predictions | undefined;
  };
}

/** The plots by name (without extension), as SVG. */
export function drawPlots({ training, evaluation }: PlotInputs, layout: PlotLayout = "page"): Record<string, Svg> {
  const plots: Record<string, Svg> = {};
  if (training !== undefined && training.history.length > 0)
    plots.training_curves = trainingCurvesPlot(training, layout);
  if (evaluation !== undefined) {
    const { predictions, threshold = 0.5, plain = null } = evaluation;
    const metrics = evaluation.metrics ?? computeMetrics(predictions);
    plots.confusion_matrix = confusionMatrixPlot(metrics.classes, metrics.confusionMatrix);
    plots.roc = rocPlot(predictions, metrics, threshold, layout);
    plots.precision_recall = precisionRecallPlot(predictions, metrics, threshold, layout);
    plots.probabilities = probabilityHistogramPlot(predictions, metrics, threshold, layout);
    plots.reliability = reliabilityPlot(predictions, plain, layout);
    if (metrics.positiveClass !== null)
      plots.threshold_sweep = thresholdSweepPlot(predictions, metrics, threshold, layout);
  }
  return plots;
}

/**
 * Draws the plots and writes each as PNG (atomically) into a folder, which is made where it is missing, and beside it the
 * numbers of those that metrics.json, predictions.csv and history.csv don't hold (plotTables.ts).
 *
 * @returns the paths of the plots
 * @throws FileWriteError
 */
export async function writePlots(folder: string, inputs: PlotInputs): Promise<string[]> {
  await makeFolder(folder);
  const paths: string[] = [];
  for (const [name, svg] of Object.entries(drawPlots(inputs))) {
    const path = join(folder, `${name}.png`);
    await writeFileAtomic(path, renderPng(svg));
    paths.push(path);
  }
  if (inputs.evaluation)
    for (const [name, text] of Object.entries(plotTables(inputs.evaluation.predictions)))
      await writeFileAtomic(join(folder, `${name}.csv`), text);
  return paths;
}
