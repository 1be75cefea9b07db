import { meanRocCurve, precisionRecallCurve, rocCurve, type MeanRocPoint, type RocPoint } from "../curves.ts";
import type { Metrics } from "../metrics.ts";
import { oneVersusRest, type Predictions } from "../predictions.ts";
import type { Interval } from "../wilson.ts";
import { line, MUTED, polyline, type Svg } from "../svg/element.ts";
import { absentNote, frame, LABEL_SIZE, ring, type Box, type LegendEntry } from "../svg/frame.ts";
import { elide } from "../svg/font.ts";
import { plotDocument, type PlotLayout } from "../svg/layout.ts";
import { FAINT, SERIES } from "../svg/palette.ts";
import { unitAxis } from "../svg/scale.ts";

/** With more classes, those with the lowest figures have a colour and a name; the others are a grey background. */
const MOST_NAMED = SERIES.length;
const BOXES: Readonly<Record<PlotLayout, Box>> = {
  page: { left: 76, top: 72, width: 420, height: 420 },
  column: { left: 58, top: 10, width: 292, height: 292 },
};
const WIDEST_LEGEND = 280;

interface Curve {
  index: number;
  name: string;
  figure: number;
  points: readonly (readonly [number, number])[];
}

/** Sensitivity against 1 - specificity: of the positive class of two, or of each of several against the rest. */
export function rocPlot(predictions: Predictions, metrics: Metrics, threshold = 0.5, layout: PlotLayout = "page"): Svg {
  const drawn: RocPoint[][] = [];
  const at = (p: MeanRocPoint) => [p.falsePositiveRate, p.truePositiveRate] as const;
  const curves = curvesOf(predictions, metrics, (index) => {
    const { positive, scores } = oneVersusRest(predictions, index);
    const points = rocCurve(positive, scores);
    if (points) drawn.push(points);
    return { figure: metrics.perClass[index]?.rocAuc ?? null, points: points?.map(at) };
  });
  const chance = { from: [0, 0], to: [1, 1], label: "chance" } as const;
  const { positiveClass, recall, specificity } = metrics;
  const operating =
    positiveClass !== null && recall !== null && specificity !== null ? ([1 - specificity, recall] as const) : null;
  return draw({
    title: "ROC curve",
    subtitle: subtitle(metrics, "area under the curve", metrics.rocAuc, metrics.intervals.rocAuc),
    xLabel: "1 − specificity (false positive rate)",
    yLabel: "sensitivity (true positive rate)",
    abbreviation: "AUC",
    curves,
    mean:
      metrics.rocAuc !== null && drawn.length > 1
        ? { figure: metrics.rocAuc, points: meanRocCurve(drawn).map(at) }
        : null,
    chance: [chance],
    operating,
    threshold,
    layout,
  });
}

/** Precision against recall: of the positive class of two, or of each of several against the rest. */
export function precisionRecallPlot(
  predictions: Predictions,
  metrics: Metrics,
  threshold = 0.5,
  layout: PlotLayout = "page",
): Svg {
  const curves = curvesOf(predictions, metrics, (index) => {
    const { positive, scores } = oneVersusRest(predictions, index);
    const curve = precisionRecallCurve(positive, scores);
    const first = curve?.[0];
    if (curve === null || first === undefined) return { figure: null, points: undefined };
    // Between two thresholds nothing is known: a staircase, which is also what average precision sums up.
    const points = curve.flatMap((p, i) => [
      [curve[i - 1]?.recall ?? 0, p.precision] as const,
      [p.recall, p.precision] as const,
    ]);
    return { figure: metrics.perClass[index]?.averagePrecision ?? null, points };
  });
  const positive = metrics.perClass.find((entry) => entry.class === metrics.positiveClass);
  const share = positive === undefined ? null : positive.support / metrics.samples;
  const { precision, recall } = metrics;
  return draw({
    title: "Precision and recall",
    subtitle: subtitle(metrics, "average precision", metrics.averagePrecision, metrics.intervals.averagePrecision),
    xLabel: "recall (sensitivity)",
    yLabel: "precision",
    abbreviation: "AP",
    curves,
    mean: null,
    chance: share === null ? [] : [{ from: [0, share], to: [1, share], label: `chance (${share.toFixed(2)})` }],
    operating: positive !== undefined && precision !== null && recall !== null ? [recall, precision] : null,
    threshold,
    layout,
  });
}

function curvesOf(
  predictions: Predictions,
  metrics: Metrics,
  make: (index: number) => {
    figure: number | null;
    points: readonly (readonly [number, number])[] | undefined;
  },
): Curve[] {
  const indices = predictions.classes.flatMap((name, index) =>
    metrics.positiveClass === null || metrics.positiveClass === name ? [index] : [],
  );
  return indices.flatMap((index) => {
    const { figure, points } = make(index);
    return figure === null || points === undefined
      ? []
      : [{ index, name: predictions.classes[index] ?? "", figure, points }];
  });
}

interface CurvePlot {
  title: string;
  subtitle: string;
  xLabel: string;
  yLabel: string;
  abbreviation: string;
  curves: readonly Curve[];
  /** Of all of several classes. */
  mean: Pick<Curve, "figure" | "points"> | null;
  chance: readonly {
    from: readonly [number, number];
    to: readonly [number, number];
    label: string;
  }[];
  /** Where the predictions lie. */
  operating: readonly [number, number] | null;
  /** From which probability on the positive class was decided for. */
  threshold: number;
  layout: PlotLayout;
}

function draw(plot: CurvePlot): Svg {
  const box = BOXES[plot.layout];
  const axes = frame(box, {
    x: unitAxis(),
    y: unitAxis(),
    xLabel: plot.xLabel,
    yLabel: plot.yLabel,
    xGrid: true,
  });
  const at = ([x, y]: readonly [number, number]) => [axes.x(x), axes.y(y)] as const;
  const fits = plot.curves.length <= MOST_NAMED;
  // One entry is kept for the others.
  const named = fits ? plot.curves : [...plot.curves].sort((a, b) => a.figure - b.figure).slice(0, MOST_NAMED - 1);
  const others = plot.curves.filter((curve) => !named.includes(curve));
  const legend: LegendEntry[] = [];
  const parts: Svg[] = [];
  for (const { from, to, label } of plot.chance) {
    parts.push(line(...at(from), ...at(to), { stroke: MUTED, dash: "4 4" }));
    legend.push({ label, stroke: MUTED, dash: "4 4" });
  }
  for (const curve of others) parts.push(polyline(curve.points.map(at), { stroke: FAINT, width: 1 }));
  named.forEach((curve, i) => {
    const { stroke, dash } = SERIES[i] ?? { stroke: FAINT };
    parts.push(polyline(curve.points.map(at), { stroke, dash, width: 2.2 }));
    // The figure comes first: a long name is cut, the figure never.
    legend.push({
      label: `${plot.abbreviation} ${curve.figure.toFixed(3)}  ${curve.name}`,
      stroke,
      dash,
    });
  });
  if (others.length > 0) legend.push({ label: `${others.length} others, none lower`, stroke: FAINT });
  if (plot.mean !== null) {
    parts.push(polyline(plot.mean.points.map(at), { stroke: "#000000", width: 3.6 }));
    legend.push({
      label: `${plot.abbreviation} ${plot.mean.figure.toFixed(3)}  mean of the ${plot.curves.length} classes`,
      stroke: "#000000",
    });
  }
  if (plot.operating !== null) {
    parts.push(ring(...at(plot.operating), "#000000"));
    legend.push({ label: `at threshold ${Number(plot.threshold.toFixed(3))}`, stroke: "#000000", mark: "ring" });
  }
  if (plot.curves.length === 0) parts.push(absentNote(box));
  const { title, subtitle: under, layout } = plot;
  const words = { title, subtitle: under, legend, widest: WIDEST_LEGEND };
  return plotDocument(layout, box, box.top + box.height, words, axes.svg, ...parts);
}

function subtitle(metrics: Metrics, figure: string, value: number | null, interval: Interval | null): string {
  const what =
    metrics.positiveClass === null ? `mean ${figure}` : `${elide(metrics.positiveClass, 240, LABEL_SIZE)} · ${figure}`;
  const range = interval === null ? "" : ` (95% interval ${interval[0].toFixed(3)} to ${interval[1].toFixed(3)})`;
  return `${what} ${value === null ? "undefined" : value.toFixed(3)}${range} · ${metrics.samples} images`;
}
