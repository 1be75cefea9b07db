import type { Metrics } from "../metrics.ts";
import { oneVersusRest, type Predictions } from "../predictions.ts";
import { line, polyline, type Svg } from "../svg/element.ts";
import { elide } from "../svg/font.ts";
import { absentNote, frame, LABEL_SIZE, type Box, type LegendEntry } from "../svg/frame.ts";
import { plotDocument, type PlotLayout } from "../svg/layout.ts";
import { SERIES } from "../svg/palette.ts";
import { unitAxis } from "../svg/scale.ts";
import { thresholdSweep, type SweepPoint } from "../sweep.ts";

const BOXES: Readonly<Record<PlotLayout, Box>> = {
  page: { left: 76, top: 72, width: 560, height: 360 },
  column: { left: 58, top: 10, width: 292, height: 240 },
};
const LINES = ["sensitivity", "specificity", "precision", "f1"] as const;

/** Sensitivity, specificity, precision and F1 of the positive class of two, for every threshold, with the one that is used. */
export function thresholdSweepPlot(
  predictions: Predictions,
  metrics: Metrics,
  threshold: number,
  layout: PlotLayout = "page",
): Svg {
  const box = BOXES[layout];
  const name = metrics.positiveClass ?? "";
  const { positive, scores } = oneVersusRest(predictions, predictions.classes.indexOf(name));
  const points = thresholdSweep(positive, scores);
  const axes = frame(box, {
    x: unitAxis(),
    y: unitAxis(),
    xLabel: `threshold on the probability of "${elide(name, 320, LABEL_SIZE)}"`,
    yLabel: "share",
    xGrid: true,
  });
  const legend: LegendEntry[] = [];
  const parts: Svg[] = [];
  LINES.forEach((figure, i) => {
    const { stroke, dash } = SERIES[i]!;
    const steps = staircase(points ?? [], figure).map(([x, y]) => [axes.x(x), axes.y(y)] as const);
    parts.push(polyline(steps, { stroke, dash, width: 2.2 }));
    legend.push({ label: figure === "f1" ? "F1" : figure, stroke, dash });
  });
  parts.push(
    line(axes.x(threshold), box.top, axes.x(threshold), box.top + box.height, { stroke: "#000000", width: 1.5 }),
  );
  legend.push({ label: `the threshold used: ${threshold.toFixed(3)}`, stroke: "#000000" });
  if (points === null) parts.push(absentNote(box));
  const words = { title: "Figures by threshold", subtitle: `${metrics.samples} images`, legend };
  return plotDocument(layout, box, box.top + box.height, words, axes.svg, ...parts);
}

/** From threshold 1 down to 0. Above the largest score nothing is called positive: no sensitivity, full specificity. */
function staircase(points: readonly SweepPoint[], figure: (typeof LINES)[number]): [number, number][] {
  const corners: [number, number][] = [];
  const first = points[0];
  if (first && figure !== "precision")
    corners.push(
      [1, figure === "specificity" ? 1 : 0],
      [Math.min(1, first.threshold), figure === "specificity" ? 1 : 0],
    );
  points.forEach((point, i) => {
    const value = point[figure];
    if (value !== null) corners.push([point.threshold, value], [points[i + 1]?.threshold ?? 0, value]);
  });
  return corners;
}
