import type { HistoryRow } from "../../run/history.ts";
import { line, MUTED, polyline, svgDocument, text, type Svg } from "../svg/element.ts";
import { dot, frame, heading, legendRow, ring, type Box, type Frame, type LegendEntry } from "../svg/frame.ts";
import { BLUE, ORANGE } from "../svg/palette.ts";
import { COLUMN_WIDTH, type PlotLayout } from "../svg/layout.ts";
import { integerAxis, linearAxis, logAxis, scaleOf, type Axis } from "../svg/scale.ts";
import { stageBands, stageChanges, stageSpans, type StageSpan } from "./stages.ts";

export interface TrainingCurves {
  /** The epochs in order. NaN, infinite and `null` values leave a gap. */
  history: readonly HistoryRow[];
  /** The epoch whose weights were kept. */
  bestEpoch: number | null;
}

type Measure = (row: HistoryRow) => number | null;

interface Series {
  label: string;
  stroke: string;
  dash?: string;
  /** An epoch's value holds for all of it: a staircase. */
  steps?: boolean;
  measure: Measure;
}

interface Panel {
  title: string;
  yLabel: string;
  height: number;
  series: Series[];
  axis: (values: number[]) => Axis;
  /** Its legend explains the mark of the best epoch. */
  marksBest?: boolean;
}

const PANELS: readonly Panel[] = [
  {
    title: "Loss",
    yLabel: "cross-entropy (nats)",
    height: 190,
    marksBest: true,
    axis: lossAxis,
    series: [
      { label: "training", stroke: BLUE, dash: "6 3", measure: (row) => row.trainLoss },
      { label: "validation", stroke: ORANGE, measure: (row) => row.valLoss },
    ],
  },
  {
    title: "Accuracy",
    yLabel: "images right",
    height: 150,
    axis: (values) => linearAxis(values, { limits: [0, 1], percent: true }),
    series: [
      { label: "training", stroke: BLUE, dash: "6 3", measure: (row) => row.trainAccuracy },
      { label: "validation", stroke: ORANGE, measure: (row) => row.valAccuracy },
    ],
  },
  {
    title: "Learning rate",
    yLabel: "rate",
    height: 100,
    axis: logAxis,
    series: [
      {
        label: "backbone",
        stroke: BLUE,
        dash: "6 3",
        steps: true,
        measure: (row) => positive(row.lrBackbone),
      },
      { label: "head", stroke: ORANGE, steps: true, measure: (row) => positive(row.lrHead) },
    ],
  },
];

/** `marks`: about how many numbers an axis of epochs has room for. */
const SIZES = {
  page: { width: 900, left: 84, right: 24, stageNames: { top: 66, height: 20 }, marks: 12 },
  column: { width: COLUMN_WIDTH, left: 66, right: 14, stageNames: { top: 2, height: 20 }, marks: 6 },
} as const satisfies Readonly<Record<PlotLayout, unknown>>;
const PANEL_TITLE = 26;
const PANEL_GAP = 14;

/** Loss, accuracy and learning rates by epoch, the stages as bands, the best epoch marked. */
export function trainingCurvesPlot({ history, bestEpoch }: TrainingCurves, layout: PlotLayout = "page"): Svg {
  const { left, right, stageNames, marks, ...size } = SIZES[layout];
  const width = size.width - left - right;
  const epochs = history.map((row) => row.epoch);
  const xAxis = integerAxis(Math.min(...epochs), Math.max(...epochs), marks);
  const x = scaleOf(xAxis, [left, left + width]);
  const best = history.find((row) => row.epoch === bestEpoch);
  const spans = stageSpans(history);
  // The loss is always there, if only to say that it was not measured.
  const panels = PANELS.filter(({ series }, i) => i === 0 || series.some((each) => isMeasured(each, history)));

  const drawn: Svg[] = [];
  let top = stageNames.top + stageNames.height + PANEL_TITLE;
  let bottom = top;
  panels.forEach((panel, index) => {
    const last = index === panels.length - 1;
    drawn.push(
      drawPanel(panel, { left, top, width, height: panel.height }, { history, best, spans, xAxis, last, layout }),
    );
    bottom = top + panel.height;
    top = bottom + PANEL_GAP + PANEL_TITLE;
  });
  return svgDocument(
    size.width,
    bottom + 56,
    layout === "page" ? heading(left, "Training", subtitle(history, best, spans.length), width) : "",
    stageBands(spans, x, stageNames.top, bottom, stageNames.height),
    stageChanges(spans, x, stageNames.top, stageNames.top + stageNames.height),
    ...drawn,
  );
}

interface PanelContext {
  history: readonly HistoryRow[];
  best: HistoryRow | undefined;
  spans: readonly StageSpan[];
  xAxis: Axis;
  /** It alone has the epochs' numbers. */
  last: boolean;
  layout: PlotLayout;
}

function drawPanel(panel: Panel, box: Box, { history, best, spans, xAxis, last, layout }: PanelContext): Svg {
  const bottom = box.top + box.height;
  const titleY = box.top - PANEL_TITLE / 2;
  const series = panel.series.filter((each) => isMeasured(each, history));
  const values = series.flatMap(({ measure }) => history.map((row) => measure(row) ?? NaN));
  const yAxis = panel.axis(values);
  const axes = frame(box, {
    x: xAxis,
    y: yAxis,
    yLabel: yAxis.log === true ? `${panel.yLabel}, log scale` : panel.yLabel,
    hideXTicks: !last,
    ...(last ? { xLabel: "epoch" } : {}),
  });
  const legend: LegendEntry[] = series.map(({ label, stroke, dash }) => ({ label, stroke, dash }));
  const parts = [axes.svg, stageChanges(spans, axes.x, box.top, bottom)];
  if (best !== undefined) {
    const at = axes.x(best.epoch);
    parts.push(line(at, box.top, at, bottom, { stroke: MUTED, dash: "2 3" }));
    // A column has no room for it: its caption says which epoch the ring marks.
    if (panel.marksBest === true && layout === "page")
      legend.push({ label: `best epoch (${best.epoch})`, stroke: MUTED, mark: "ring" });
  }
  // The first series is dashed and drawn last: it shows on top of one that is equal.
  for (const each of [...series].reverse()) parts.push(drawSeries(axes, each, history));
  if (best !== undefined) parts.push(...series.map((each) => bestMark(axes, each, best)));
  if (series.length === 0) {
    const middle = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    parts.push(text(middle.x, middle.y, "not measured", { size: 12, anchor: "middle", fill: MUTED, halo: true }));
  }
  parts.push(text(box.left, titleY, panel.title, { size: 12, weight: "bold" }));
  parts.push(legendRow(box.left + box.width, titleY, legend));
  return parts.join("");
}

function isMeasured({ measure }: Series, history: readonly HistoryRow[]): boolean {
  return history.some((row) => Number.isFinite(measure(row) ?? NaN));
}

function drawSeries({ x, y }: Frame, { stroke, dash, steps, measure }: Series, history: readonly HistoryRow[]): Svg {
  const runs: HistoryRow[][] = [[]];
  for (const row of history) {
    if (Number.isFinite(measure(row) ?? NaN)) runs.at(-1)?.push(row);
    else runs.push([]);
  }
  return runs
    .map((run) => {
      const at = (row: HistoryRow) => y(measure(row) ?? 0);
      if (steps === true) {
        const corners = run.flatMap(
          (row) =>
            [
              [x(row.epoch - 0.5), at(row)],
              [x(row.epoch + 0.5), at(row)],
            ] as const,
        );
        return polyline(corners, { stroke, dash });
      }
      const points = run.map((row) => [x(row.epoch), at(row)] as const);
      // Few epochs, or one between two gaps, need dots to be seen.
      const dots = history.length <= 30 || run.length === 1 ? points.map(([px, py]) => dot(px, py, stroke, 2.6)) : [];
      return polyline(points, { stroke, dash }) + dots.join("");
    })
    .join("");
}

function bestMark({ x, y }: Frame, { stroke, steps, measure }: Series, best: HistoryRow): Svg {
  const value = measure(best);
  return steps === true || value === null || !Number.isFinite(value) ? "" : ring(x(best.epoch), y(value), stroke);
}

function subtitle(history: readonly HistoryRow[], best: HistoryRow | undefined, stages: number): string {
  const parts = [`${count(history.length, "epoch")} in ${count(stages, "stage")}`];
  if (best !== undefined) {
    const loss = best.valLoss === null ? "" : `, validation loss ${best.valLoss.toFixed(3)}`;
    const accuracy = best.valAccuracy === null ? "" : `, accuracy ${(best.valAccuracy * 100).toFixed(1)}%`;
    parts.push(`best epoch ${best.epoch}${loss}${accuracy}`);
  }
  return parts.join(" · ");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

/** Linear, but where one value dwarfs the others. */
function lossAxis(values: readonly number[]): Axis {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? 0;
  return (sorted[0] ?? 0) > 0 && (sorted.at(-1) ?? 0) > 100 * median ? logAxis(values) : linearAxis(values);
}
