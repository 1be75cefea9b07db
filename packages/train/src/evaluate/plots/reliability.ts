import { calibrationError, reliabilityBins } from "../calibration.ts";
import { positiveOf } from "../decision.ts";
import type { Predictions } from "../predictions.ts";
import { element, line, MUTED, polyline, type Svg } from "../svg/element.ts";
import { elide } from "../svg/font.ts";
import { dot, frame, LABEL_SIZE, type Box, type LegendEntry } from "../svg/frame.ts";
import { plotDocument, type PlotLayout } from "../svg/layout.ts";
import { BLUE, FAINT, ORANGE } from "../svg/palette.ts";
import { linearAxis, unitAxis } from "../svg/scale.ts";

/** Above the shares, below how many images each bin has. */
const BOXES: Readonly<Record<PlotLayout, readonly [Box, Box]>> = {
  page: [
    { left: 76, top: 72, width: 420, height: 420 },
    { left: 76, top: 512, width: 420, height: 90 },
  ],
  column: [
    { left: 58, top: 10, width: 292, height: 292 },
    { left: 58, top: 318, width: 292, height: 66 },
  ],
};

/**
 * Probabilities against what came true, in bins, with Wilson's 95% interval of each, and how many images each has. On the diagonal a
 * probability means what it says.
 *
 * @param plain without the temperature, where there is one
 */
export function reliabilityPlot(predictions: Predictions, plain: Predictions | null, layout: PlotLayout = "page"): Svg {
  const [box, countsBox] = BOXES[layout];
  const positive = positiveOf(predictions.classes);
  const bins = reliabilityBins(predictions, positive);
  const filled = bins.filter(({ count }) => count > 0);
  const xLabel =
    positive === null
      ? "probability of the predicted class"
      : `probability of "${elide(predictions.classes[positive]!, 240, LABEL_SIZE)}"`;
  const axes = frame(box, {
    x: unitAxis(),
    y: unitAxis(),
    yLabel: "share for which it is so",
    hideXTicks: true,
    xGrid: true,
  });
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const counts = linearAxis([0, most], { count: 3 });
  const below = frame(countsBox, {
    x: unitAxis(),
    y: { ...counts, ticks: counts.ticks.filter((tick) => Number.isInteger(tick)) },
    xLabel,
    yLabel: "images",
  });
  const legend: LegendEntry[] = [{ label: "as it should be", stroke: MUTED, dash: "4 4" }];
  const parts: Svg[] = [line(axes.x(0), axes.y(0), axes.x(1), axes.y(1), { stroke: MUTED, dash: "4 4" })];
  const place = ({ meanProbability, observed }: (typeof bins)[number]) =>
    [axes.x(meanProbability!), axes.y(observed!)] as const;
  let subtitle = `calibration error ${calibrationError(bins).toFixed(3)}`;
  if (plain) {
    const before = reliabilityBins(plain, positive);
    subtitle += `, ${calibrationError(before).toFixed(3)} without the temperature`;
    const points = before.filter(({ count }) => count > 0).map(place);
    parts.push(polyline(points, { stroke: ORANGE, dash: "8 4", width: 1.5 }));
    legend.push({ label: "without the temperature", stroke: ORANGE, dash: "8 4" });
  }
  for (const { meanProbability, interval } of filled) {
    const [x, low, high] = [axes.x(meanProbability!), axes.y(interval![0]), axes.y(interval![1])];
    parts.push(line(x, low, x, high, { stroke: BLUE }), line(x - 3, low, x + 3, low, { stroke: BLUE }));
    parts.push(line(x - 3, high, x + 3, high, { stroke: BLUE }));
  }
  parts.push(polyline(filled.map(place), { stroke: BLUE, width: 2.2 }));
  for (const bin of filled) parts.push(dot(...place(bin), BLUE, 3.5));
  legend.push({ label: plain ? "calibrated, 95% intervals" : "the model, 95% intervals", stroke: BLUE });
  for (const { low, high, count } of filled) {
    const left = below.x(low) + 0.75;
    const size = { width: below.x(high) - 0.75 - left, height: below.y(0) - below.y(count) };
    parts.push(element("rect", { x: left, y: below.y(count), ...size, fill: FAINT }));
  }
  const words = {
    title: "Reliability",
    subtitle: `${subtitle} · ${bins.length} bins · ${predictions.labels.length} images`,
    legend,
  };
  return plotDocument(layout, box, countsBox.top + countsBox.height, words, axes.svg, below.svg, ...parts);
}
