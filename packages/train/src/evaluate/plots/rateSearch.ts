import { element, line, MUTED, polyline, svgDocument, text, type Svg } from "../svg/element.ts";
import { frame, heading, legendRow, ring, TICK_SIZE, type Box } from "../svg/frame.ts";
import { BLUE, FAINT, ORANGE } from "../svg/palette.ts";
import { linearAxis, logAxis } from "../svg/scale.ts";

/** A sweep of the learning rate, as it is drawn. */
export interface RateSweep {
  readonly points: readonly { readonly lr: number; readonly loss: number; readonly smoothed: number }[];
  readonly diverged: boolean;
  /** By name, the one to begin with first. */
  readonly suggestions: Readonly<Record<string, number | null>>;
}

const WIDTH = 760;
const HEIGHT = 460;
const BOX: Box = { left: 76, top: 96, width: WIDTH - 76 - 28, height: HEIGHT - 96 - 64 };

/** Loss against learning rate: each batch's faint, the smoothed one over it, the suggested rates marked and named. */
export function rateSearchPlot({ points, diverged, suggestions }: RateSweep, subtitle: string): Svg {
  const shown = points.filter(({ loss, smoothed }) => Number.isFinite(loss) && Number.isFinite(smoothed));
  const smoothed = shown.map((point) => point.smoothed);
  // A loss that has left all bounds would press everything before it flat.
  const most = Math.max(...smoothed.slice(0, Math.max(1, Math.ceil(smoothed.length / 2)))) * 1.5;
  const y = linearAxis([...smoothed, ...shown.map(({ loss }) => loss)].filter((loss) => loss <= most));
  const axes = frame(BOX, {
    x: logAxis(shown.map(({ lr }) => lr)),
    y,
    xLabel: "learning rate",
    yLabel: "loss",
    xGrid: true,
  });
  const clip = element(
    "clipPath",
    { id: "box" },
    element("rect", { x: BOX.left, y: BOX.top, width: BOX.width, height: BOX.height }),
  );
  const curve = (of: "loss" | "smoothed") => shown.map((point) => [axes.x(point.lr), axes.y(point[of])] as const);
  const marks = Object.entries(suggestions).flatMap(([name, lr], i): Svg[] => {
    const at = shown.find((point) => point.lr === lr) ?? nearest(shown, lr);
    if (lr === null || !at) return [];
    const [x, top] = [axes.x(lr), BOX.top + 14 + i * 16];
    const end = x > BOX.left + BOX.width - 150;
    return [
      line(x, BOX.top, x, BOX.top + BOX.height, { stroke: MUTED, dash: "3 3" }),
      ring(x, axes.y(at.smoothed), i === 0 ? ORANGE : MUTED),
      text(x + (end ? -8 : 8), top, `${name} ${lr.toExponential(1)}`, {
        size: TICK_SIZE,
        anchor: end ? "end" : "start",
        halo: true,
      }),
    ];
  });
  return svgDocument(
    WIDTH,
    HEIGHT,
    heading(BOX.left, "Learning rate finder", subtitle, WIDTH - BOX.left - 28),
    text(BOX.left, 68, diverged ? "stopped where the loss left all bounds" : "swept to the end", {
      size: TICK_SIZE,
      fill: MUTED,
    }),
    legendRow(BOX.left + BOX.width, BOX.top - 14, [
      { label: "of a batch", stroke: FAINT },
      { label: "smoothed", stroke: BLUE },
    ]),
    clip,
    axes.svg,
    element(
      "g",
      { "clip-path": "url(#box)" },
      polyline(curve("loss"), { stroke: FAINT, width: 1 }),
      polyline(curve("smoothed"), { stroke: BLUE, width: 2 }),
    ),
    ...marks,
  );
}

function nearest<Point extends { readonly lr: number }>(
  points: readonly Point[],
  lr: number | null,
): Point | undefined {
  if (lr === null) return undefined;
  return points.toSorted((a, b) => Math.abs(Math.log(a.lr / lr)) - Math.abs(Math.log(b.lr / lr)))[0];
}
