import { reliabilityBins } from "../../evaluate/calibration.ts";
import { positiveOf } from "../../evaluate/decision.ts";
import { drawPlots } from "../../evaluate/plots.ts";
import { probabilityBins } from "../../evaluate/plots/histogram.ts";
import { plotTables } from "../../evaluate/plotTables.ts";
import type { Predictions } from "../../evaluate/predictions.ts";
import { fixed, list, plural, quoted, range } from "../format.ts";
import { html, type Html, type HtmlValue } from "../page/html.ts";
import { csvTable, plotFigure } from "../page/plot.ts";
import { name, table } from "../page/table.ts";
import type { EvaluatedPart } from "../report.ts";

/** More classes than this have their probabilities in predictions.csv alone: a panel each would be a long page. */
const MOST_PANELS = 8;

/** ROC, precision and recall, reliability, thresholds and probabilities, each with what it says and its numbers. */
export function plots(part: EvaluatedPart): HtmlValue {
  const { predictions, plainPredictions, metrics, decision, split } = part;
  if (!predictions)
    return html`<p class="muted">
      predictions.csv is missing: curves can’t be drawn. Their pictures, where the run made them, lie in its results
      folder.
    </p> `;
  const threshold = decision?.threshold?.value;
  const svgs = drawPlots(
    { evaluation: { predictions, metrics, threshold, plain: plainPredictions ?? undefined } },
    "column",
  );
  const tables = plotTables(predictions);
  const { positiveClass: of, intervals } = metrics;
  const whose = of === null ? "each class against the rest" : quoted(of);
  const at =
    of === null
      ? ""
      : ` The ring is where the model decides: sensitivity ${fixed(metrics.recall)}, specificity ${fixed(metrics.specificity)}, precision ${fixed(metrics.precision)}.`;
  const auc = `${of === null ? "Mean area" : "Area"} under the curve ${fixed(metrics.rocAuc)} (95% interval ${range(intervals.rocAuc)}), ${whose}.`;
  const ap = `${of === null ? "Mean average" : "Average"} precision ${fixed(metrics.averagePrecision)} (95% interval ${range(intervals.averagePrecision)}), ${whose}.`;
  const reliability = `Where points lie on the diagonal, a probability of 0.8 comes true 8 times in 10. Calibration error ${fixed(part.calibrationError)}${
    part.plain ? `, ${fixed(part.plain.calibrationError)} without the temperature` : ""
  }.`;
  const drawn: (readonly [string, string, string, string, Html | null])[] = [
    ["roc", "ROC curve", auc + at, "Curve of sensitivity against 1 − specificity.", csv("roc", "ROC curve")],
    [
      "precision_recall",
      "Precision and recall",
      ap + at,
      "Curve of precision against recall.",
      csv("precision_recall", "Precision and recall"),
    ],
    [
      "reliability",
      "Reliability",
      reliability,
      "Observed shares against probabilities, with how many images each bin has.",
      reliabilityTable(predictions),
    ],
    [
      "threshold_sweep",
      "Figures by threshold",
      `What sensitivity, specificity, precision and F1 would be at other thresholds${threshold === undefined ? "" : `; the one used is ${fixed(threshold)}`}. Choosing one here, on ${split}, would make its figures worthless.`,
      "Curves of four figures against the threshold.",
      csv("threshold_sweep", "Figures by threshold"),
    ],
    [
      "probabilities",
      "How sure the model was",
      `How often each probability was given, by true class: ${list(metrics.perClass.slice(0, 3).map(({ class: title, support }) => `${quoted(title)} ${plural(support, "image")}`))}${metrics.classes.length > 3 ? " and so on" : ""}.`,
      "Histograms of probabilities, right and wrong ones stacked.",
      probabilityTable(predictions),
    ],
  ];
  function csv(key: string, title: string): Html | null {
    const text = tables[key];
    return text === undefined ? null : csvTable(title, text, `results/${key}.csv`);
  }
  const figures = drawn.flatMap(([key, title, words, alt, numbers]) => {
    const svg = svgs[key];
    const long = key === "probabilities" && metrics.classes.length > MOST_PANELS;
    if (svg === undefined || numbers === null || long) return [];
    return [plotFigure({ svg, title, caption: ` ${words}`, alt: `${alt} ${words}`, numbers })];
  });
  return html`<h3>Curves</h3>
    <div class="figures">${figures}</div> `;
}

function reliabilityTable(predictions: Predictions): Html {
  const bins = reliabilityBins(predictions, positiveOf(predictions.classes)).filter(({ count }) => count > 0);
  return table({
    caption: "Reliability, by bins of the probability; empty bins are left out",
    columns: ["Bin", "Images", "Mean probability", "Observed share", "95% interval"].map((title, i) => ({
      title,
      end: i > 0,
    })),
    rows: bins.map(({ low, high, count, meanProbability, observed, interval }) => [
      `${low.toFixed(2)} to ${high.toFixed(2)}`,
      count,
      fixed(meanProbability),
      fixed(observed),
      range(interval),
    ]),
  });
}

function probabilityTable(predictions: Predictions): Html {
  const { classes } = predictions;
  const positive = positiveOf(classes);
  const rows = classes.flatMap((title, index) =>
    probabilityBins(predictions, index, positive ?? index).flatMap(({ low, high, right, wrong }) =>
      right + wrong === 0 ? [] : [[name(title), `${low.toFixed(2)} to ${high.toFixed(2)}`, right, wrong]],
    ),
  );
  return table({
    caption: `Images by ${positive === null ? "the probability of their true class" : `the probability of ${quoted(classes[positive]!)}`}; empty bins are left out`,
    columns: ["True class", "Probability", "Right", "Wrong"].map((title, i) => ({ title, end: i > 0 })),
    rows,
  });
}
