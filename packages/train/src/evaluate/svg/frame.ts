import { element, GRID, INK, line, MUTED, text, type Svg } from "./element.ts";
import { elide, textWidth } from "./font.ts";
import { scaleOf, type Axis, type Scale } from "./scale.ts";

/** The rectangle that data is drawn in. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface FrameOptions {
  x: Axis;
  y: Axis;
  xLabel?: string;
  yLabel?: string;
  /** Leave out the numbers of the x axis, where a panel below shows them. */
  hideXTicks?: boolean;
  xGrid?: boolean;
}

export interface Frame {
  x: Scale;
  y: Scale;
  /** Grid, axes, ticks and labels: draw it before the data. */
  svg: Svg;
}

export const TICK_SIZE = 11;
export const LABEL_SIZE = 12;

/** Axes about a box: ticks and labels lie outside of it, grid lines inside. */
export function frame(box: Box, options: FrameOptions): Frame {
  const { left, top, width, height } = box;
  const right = left + width;
  const bottom = top + height;
  const x = scaleOf(options.x, [left, right]);
  const y = scaleOf(options.y, [bottom, top]);
  const parts: Svg[] = [];
  for (const tick of options.y.ticks) {
    parts.push(line(left, y(tick), right, y(tick), { stroke: GRID }));
    parts.push(
      text(left - 8, y(tick), options.y.format(tick), {
        size: TICK_SIZE,
        anchor: "end",
        fill: MUTED,
      }),
    );
  }
  for (const tick of options.x.ticks) {
    if (options.xGrid === true) parts.push(line(x(tick), top, x(tick), bottom, { stroke: GRID }));
    parts.push(line(x(tick), bottom, x(tick), bottom + 4, { stroke: MUTED }));
    if (options.hideXTicks === true) continue;
    parts.push(
      text(x(tick), bottom + 14, options.x.format(tick), {
        size: TICK_SIZE,
        anchor: "middle",
        fill: MUTED,
      }),
    );
  }
  parts.push(line(left, top, left, bottom, { stroke: MUTED }), line(left, bottom, right, bottom, { stroke: MUTED }));
  if (options.xLabel !== undefined) {
    parts.push(
      text(left + width / 2, bottom + 36, elide(options.xLabel, width + 48, LABEL_SIZE), {
        size: LABEL_SIZE,
        anchor: "middle",
      }),
    );
  }
  if (options.yLabel !== undefined) {
    const widest = Math.max(0, ...options.y.ticks.map((tick) => textWidth(options.y.format(tick), TICK_SIZE)));
    const at = left - 8 - widest - 16;
    const label = elide(options.yLabel, height + 30, LABEL_SIZE);
    parts.push(text(at, top + height / 2, label, { size: LABEL_SIZE, anchor: "middle", rotate: -90 }));
  }
  return { x, y, svg: element("g", {}, ...parts) };
}

/** A figure's title, and a line of figures under it. */
export function heading(x: number, title: string, subtitle: string, width: number): Svg {
  return (
    text(x, 24, elide(title, width, 16, "bold"), { size: 16, weight: "bold" }) +
    text(x, 46, elide(subtitle, width, LABEL_SIZE), { size: LABEL_SIZE, fill: MUTED })
  );
}

export interface LegendEntry {
  label: string;
  stroke: string;
  dash?: string | undefined;
  /** "line" unless told otherwise. */
  mark?: "line" | "dot" | "ring" | "area";
}

/** A legend in one line that ends at `right`. */
export function legendRow(right: number, y: number, entries: readonly LegendEntry[]): Svg {
  const parts: Svg[] = [];
  let x = right;
  for (const entry of [...entries].reverse()) {
    x -= textWidth(entry.label, TICK_SIZE);
    parts.push(text(x, y, entry.label, { size: TICK_SIZE, fill: INK }));
    x -= SWATCH + 6;
    parts.push(swatch(x, y, entry));
    x -= 18;
  }
  return parts.join("");
}

/** A legend, one entry a line, each cut to `width`. */
export function legendColumn(left: number, top: number, width: number, entries: readonly LegendEntry[]): Svg {
  return entries
    .map((entry, i) => {
      const y = top + 8 + i * 20;
      const label = elide(entry.label, width - SWATCH - 8, TICK_SIZE);
      return swatch(left, y, entry) + text(left + SWATCH + 8, y, label, { size: TICK_SIZE });
    })
    .join("");
}

/** The width that the entries want. */
export function legendColumnWidth(entries: readonly LegendEntry[]): number {
  return SWATCH + 8 + Math.max(0, ...entries.map(({ label }) => textWidth(label, TICK_SIZE)));
}

const SWATCH = 26;

function swatch(x: number, y: number, { stroke, dash, mark = "line" }: LegendEntry): Svg {
  const middle = x + SWATCH / 2;
  if (mark === "line") return line(x, y, x + SWATCH, y, { stroke, dash, width: 2 });
  if (mark === "dot") return dot(middle, y, stroke);
  if (mark === "ring") return ring(middle, y, stroke);
  return element("rect", { x: x + 6, y: y - 6, width: SWATCH - 12, height: 12, fill: stroke });
}

export function dot(x: number, y: number, fill: string, radius = 3): Svg {
  return element("circle", { cx: x, cy: y, r: radius, fill });
}

export function ring(x: number, y: number, stroke: string): Svg {
  return element("circle", { cx: x, cy: y, r: 5.5, fill: "#ffffff", stroke, "stroke-width": 2 });
}

/** What stands in a frame whose curve can't be drawn. */
export const absentNote = ({ left, top, width, height }: Box): Svg =>
  text(left + width / 2, top + height / 4, "undefined: a class is absent", { size: 12, anchor: "middle", fill: MUTED });
