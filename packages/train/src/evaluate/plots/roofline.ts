import { element, line, MUTED, polyline, svgDocument, text, type Svg } from "../svg/element.ts";
import { dot, frame, heading, legendRow, ring, TICK_SIZE, type Box, type LegendEntry } from "../svg/frame.ts";
import { elide } from "../svg/font.ts";
import { SERIES } from "../svg/palette.ts";
import { linearAxis, type Axis } from "../svg/scale.ts";

/** A kernel that was measured. */
export interface RooflinePoint {
  /** What it was measured for, such as a layer's name: points of one layer share a row of the picture. */
  readonly layer: string;
  /** What was computed: a colour and a mark of the picture each, three of them at the most. */
  readonly series: string;
  readonly flop: number;
  /** That have to be moved at least. */
  readonly bytes: number;
  readonly ms: number;
}

export interface Roofline {
  readonly title: string;
  readonly subtitle: string;
  /** The device's ceilings: 1e9 operations and 1e9 bytes a second, and how they were measured. */
  readonly flop: { readonly rate: number; readonly measured: string };
  readonly bytes: { readonly rate: number; readonly measured: string };
  readonly points: readonly RooflinePoint[];
}

const WIDTH = 1000;
const TOP: Box = { left: 84, top: 100, width: WIDTH - 84 - 24, height: 340 };
/** The layers' names stand left of the rows. */
const NAMES = 330;
const ROW_HEIGHT = 19;
const ROWS_TOP = TOP.top + TOP.height + 96;

type Mark = NonNullable<LegendEntry["mark"]>;
const MARKS: readonly Mark[] = ["dot", "ring", "area"];

/** What a kernel of so many operations a byte can reach: the roof over it, in GFLOP/s. */
export const roofOver = ({ flop, bytes }: Pick<Roofline, "flop" | "bytes">, flopPerByte: number): number =>
  Math.min(flop.rate, bytes.rate * flopPerByte);

/**
 * Kernels under the roof of a device (Williams, Waterman and Patterson 2009): rate against operations a byte, and for each layer the part of its roof
 * that each kernel reaches.
 */
export function rooflinePlot(roofline: Roofline): Svg {
  const { title, subtitle, points, flop, bytes } = roofline;
  const series = [...new Set(points.map((point) => point.series))];
  const layers = [...new Set(points.map(({ layer }) => layer))];
  const measured = points.map((point) => {
    const intensity = point.flop / point.bytes;
    const rate = point.flop / point.ms / 1e6;
    return { ...point, intensity, rate, share: rate / roofOver(roofline, intensity) };
  });
  const colours = series.map((_, i) => SERIES[i]?.stroke ?? MUTED);
  const legend = series.map((label, i): LegendEntry => ({ label, stroke: colours[i]!, mark: MARKS[i] ?? "dot" }));
  const mark = (x: number, y: number, name: string): Svg => {
    const i = series.indexOf(name);
    return drawMark(x, y, MARKS[i] ?? "dot", colours[i]!);
  };

  const ridge = flop.rate / bytes.rate;
  const intensities = [...measured.map(({ intensity }) => intensity), ridge];
  const x = logAxis125(intensities);
  const y = logAxis125([...measured.map(({ rate }) => rate), flop.rate]);
  const axes = frame(TOP, { x, y, xLabel: "operations a byte that has to be moved", yLabel: "GFLOP/s", xGrid: true });
  // The slope enters where the rate is the axis's least, if not earlier.
  const from = Math.max(x.domain[0], y.domain[0] / bytes.rate);
  const roof = [from, ...(ridge > from ? [ridge] : []), x.domain[1]].map(
    (at) => [axes.x(at), axes.y(roofOver(roofline, at))] as const,
  );

  const rows: Box = { left: NAMES, top: ROWS_TOP, width: WIDTH - NAMES - 24, height: layers.length * ROW_HEIGHT };
  const shares = linearAxis([0, 1, ...measured.map(({ share }) => share)], { percent: true });
  const reached = frame(rows, {
    x: shares,
    y: { domain: [layers.length, 0], ticks: [], format: String },
    xLabel: "of what the roof allows",
    xGrid: true,
  });
  const middle = (layer: string): number => reached.y(layers.indexOf(layer) + 0.5);
  return svgDocument(
    WIDTH,
    rows.top + rows.height + 56,
    heading(TOP.left, title, subtitle, WIDTH - TOP.left - 24),
    text(
      TOP.left,
      68,
      `roof: ${figure(flop.rate)} GFLOP/s (${elide(flop.measured, 360, TICK_SIZE)}), ${figure(bytes.rate)} GB/s (${elide(bytes.measured, 300, TICK_SIZE)})`,
      {
        size: TICK_SIZE,
        fill: MUTED,
      },
    ),
    legendRow(TOP.left + TOP.width, TOP.top - 12, legend),
    axes.svg,
    polyline(roof, { stroke: "#000000", width: 2 }),
    ...measured.map((point) => mark(axes.x(point.intensity), axes.y(point.rate), point.series)),
    reached.svg,
    ...layers.map(
      (layer) =>
        line(rows.left, middle(layer), rows.left + rows.width, middle(layer), { stroke: "#eeeeee" }) +
        text(rows.left - 10, middle(layer), elide(layer, NAMES - 30, TICK_SIZE), { size: TICK_SIZE, anchor: "end" }),
    ),
    ...measured.map((point) => mark(reached.x(point.share), middle(point.layer), point.series)),
  );
}

function drawMark(x: number, y: number, mark: Mark, colour: string): Svg {
  if (mark === "dot") return dot(x, y, colour, 4.5);
  if (mark === "ring") return ring(x, y, colour);
  return element("rect", { x: x - 4, y: y - 4, width: 8, height: 8, fill: colour });
}

/** A logarithmic axis around positive values, with ticks at 1, 2 and 5 times the powers of ten. */
function logAxis125(values: readonly number[]): Axis {
  const domain = [Math.min(...values) / 1.6, Math.max(...values) * 1.6] as const;
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(domain[0])); power <= Math.log10(domain[1]); power++)
    for (const step of [1, 2, 5]) ticks.push(Number(`${step}e${power}`));
  return { domain, ticks: ticks.filter((tick) => tick >= domain[0] && tick <= domain[1]), log: true, format: figure };
}

const figure = (value: number): string => String(Number(value.toPrecision(3)));
