import type { Metrics } from "../metrics.ts";
import { decisionsOf, oneVersusRest, type Predictions } from "../predictions.ts";
import { element, line, MUTED, svgDocument, text, type Svg } from "../svg/element.ts";
import { elide, textWidth } from "../svg/font.ts";
import { frame, heading, legendRow, type Box } from "../svg/frame.ts";
import { COLUMN_WIDTH, type PlotLayout } from "../svg/layout.ts";
import { linearAxis, unitAxis, type Axis } from "../svg/scale.ts";

const BINS = 20;
const RIGHT = "#0072b2";
// Lighter than the blue, so that the two differ in grey.
const WRONG = "#f0a35e";
const MOST_PANELS = 20;

/**
 * How sure the model was, a panel for each true class: for two classes by the probability of the positive one, for more by the
 * probability of the true one. Bars are stacked: right below, wrong above.
 */
export function probabilityHistogramPlot(
  predictions: Predictions,
  metrics: Metrics,
  threshold = 0.5,
  layout: PlotLayout = "page",
): Svg {
  const narrow = layout === "column";
  const { classes } = predictions;
  const positive = metrics.positiveClass === null ? null : classes.indexOf(metrics.positiveClass);
  const shown = classes.slice(0, MOST_PANELS);
  const columns = narrow || shown.length <= 2 ? 1 : shown.length <= 6 ? 2 : 4;
  const rows = Math.ceil(shown.length / columns);
  const size = narrow
    ? { width: COLUMN_WIDTH - 68, height: 110 }
    : columns === 1
      ? { width: 640, height: 170 }
      : columns === 2
        ? { width: 380, height: 140 }
        : { width: 200, height: 96 };
  const gap = { x: 72, y: columns === 4 ? 62 : 66 };
  const left = narrow ? 58 : 72;
  const top = narrow ? 48 : 104;
  const width = narrow ? COLUMN_WIDTH : left + columns * size.width + (columns - 1) * gap.x + 24;
  const xLabel =
    positive === null
      ? "probability of the true class"
      : `probability of "${elide(classes[positive] ?? "", narrow ? 180 : 360, 12)}"`;

  const panels = shown.map((name, index) => {
    const row = Math.floor(index / columns);
    const box: Box = {
      left: left + (index % columns) * (size.width + gap.x),
      top: top + row * (size.height + gap.y),
      ...size,
    };
    const bins = probabilityBins(predictions, index, positive ?? index);
    const bottomRow = index + columns >= shown.length;
    const axisLabels = {
      x: bottomRow && columns < 4 ? xLabel : undefined,
      y: index % columns === 0 ? "images" : undefined,
    };
    return panel(box, name, bins, axisLabels, positive === null ? null : threshold);
  });
  const bottom = top + rows * size.height + (rows - 1) * gap.y;
  const more = classes.length > MOST_PANELS ? ` · the first ${MOST_PANELS} of ${classes.length} classes` : "";
  const what = columns === 4 ? `${xLabel}, images a bin` : "images a bin, by true class";
  const legend = [
    { label: "right", stroke: RIGHT, mark: "area" },
    { label: "wrong", stroke: WRONG, mark: "area" },
  ] as const;
  if (narrow) return svgDocument(width, bottom + 48, legendRow(width - 10, 10, legend), ...panels);
  return svgDocument(
    width,
    bottom + 56,
    heading(left, "How sure the model was", `${metrics.samples} images · ${what}${more}`, width - left - 24),
    legendRow(width - 24, 68, legend),
    ...panels,
  );
}

/** Samples of a class by their probability for one, in bins of equal width: those that are told right and wrong. */
export interface ProbabilityBin {
  readonly low: number;
  readonly high: number;
  readonly right: number;
  readonly wrong: number;
}

/** @param of whose probability; both are class indices */
export function probabilityBins(predictions: Predictions, index: number, of: number): ProbabilityBin[] {
  const { labels } = predictions;
  const predicted = decisionsOf(predictions);
  const bins = Array.from({ length: BINS }, () => ({ right: 0, wrong: 0 }));
  oneVersusRest(predictions, of).scores.forEach((score, i) => {
    if (labels[i] === index)
      bins[Math.min(BINS - 1, Math.floor(score * BINS))]![predicted[i] === index ? "right" : "wrong"]++;
  });
  return bins.map((bin, i) => ({ low: i / BINS, high: (i + 1) / BINS, ...bin }));
}

function panel(
  box: Box,
  name: string,
  bins: readonly { right: number; wrong: number }[],
  labels: { x: string | undefined; y: string | undefined },
  threshold: number | null,
): Svg {
  const totals = bins.map(({ right, wrong }) => right + wrong);
  const count = totals.reduce((sum, total) => sum + total, 0);
  const axes = frame(box, {
    x: box.width < 300 ? { ...unitAxis(), ticks: [0, 0.5, 1] } : unitAxis(),
    y: countAxis(Math.max(...totals), box.height < 120 ? 3 : 5),
    ...(labels.y === undefined ? {} : { yLabel: labels.y }),
    ...(labels.x === undefined ? {} : { xLabel: labels.x }),
  });
  const bars = bins.map(({ right, wrong }, i) => {
    const [from, to] = [axes.x(i / BINS) + 0.75, axes.x((i + 1) / BINS) - 0.75];
    const bar = (low: number, high: number, fill: string) =>
      low === high
        ? ""
        : element("rect", {
            x: from,
            y: axes.y(high),
            width: to - from,
            height: axes.y(low) - axes.y(high),
            fill,
          });
    return bar(0, right, RIGHT) + bar(right, right + wrong, WRONG);
  });
  const total = `n = ${count}`;
  const title = elide(name, box.width - textWidth(total, 11) - 10, 12, "bold");
  return [
    axes.svg,
    ...bars,
    threshold !== null
      ? line(axes.x(threshold), box.top, axes.x(threshold), box.top + box.height, {
          stroke: MUTED,
          dash: "4 4",
        })
      : "",
    text(box.left, box.top - 13, title, { size: 12, weight: "bold" }),
    text(box.left + box.width, box.top - 13, total, { size: 11, anchor: "end", fill: MUTED }),
    count > 0
      ? ""
      : text(box.left + box.width / 2, box.top + box.height / 2, "none", {
          size: 12,
          anchor: "middle",
          fill: MUTED,
        }),
  ].join("");
}

/** From 0, whole numbers only. */
function countAxis(highest: number, count: number): Axis {
  const axis = linearAxis([0, Math.max(highest, 1)], { count });
  const ticks = axis.ticks.filter((tick) => Number.isInteger(tick));
  return { domain: [0, axis.domain[1]], ticks, format: String };
}
