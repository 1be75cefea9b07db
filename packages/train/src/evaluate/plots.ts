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
import { trainingCurvesPlot } from "./plots/trainingCurves.ts";
import type { Svg } from "./svg/element.ts";
import { renderPng } from "./svg/png.ts";

export {
  confusionMatrixPlot,
  precisionRecallPlot,
  probabilityHistogramPlot,
  renderPng,
  rocPlot,
  rooflinePlot,
  trainingCurvesPlot,
  type Roofline,
  type RooflinePoint,
};

export interface PlotInputs {
  /** Draws `training_curves.png`. */
  training?: { history: readonly HistoryRow[]; bestEpoch: number | null };
  /** Draws `confusion_matrix.png`, `roc.png`, `precision_recall.png` and `probabilities.png`. */
  evaluation?: { predictions: Predictions; metrics?: Metrics };
}

/** The plots by name (without extension), as SVG. */
export function drawPlots({ training, evaluation }: PlotInputs): Record<string, Svg> {
  const plots: Record<string, Svg> = {};
  if (training !== undefined && training.history.length > 0) plots.training_curves = trainingCurvesPlot(training);
  if (evaluation !== undefined) {
    const { predictions } = evaluation;
    const metrics = evaluation.metrics ?? computeMetrics(predictions);
    plots.confusion_matrix = confusionMatrixPlot(metrics.classes, metrics.confusionMatrix);
    plots.roc = rocPlot(predictions, metrics);
    plots.precision_recall = precisionRecallPlot(predictions, metrics);
    plots.probabilities = probabilityHistogramPlot(predictions, metrics);
  }
  return plots;
}

/**
 * Draws the plots and writes each as PNG (atomically) into a folder, which is made where it is missing.
 *
 * @returns the paths written
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
  return paths;
}
