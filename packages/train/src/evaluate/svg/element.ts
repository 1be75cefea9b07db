import { FONT_FAMILY, type FontWeight } from "./font.ts";

/** A piece of SVG. */
export type Svg = string;

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** One SVG element. Numbers are rounded to hundredths of a pixel; undefined attributes are left out. */
export function element(name: string, attributes: Attributes, ...children: readonly Svg[]): Svg {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? round(value) : escapeXml(value ?? "")}"`)
    .join("");
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join("")}</${name}>`;
}

export interface TextOptions {
  size: number;
  fill?: string;
  weight?: FontWeight;
  anchor?: "start" | "middle" | "end";
  /** Degrees, clockwise, about (x, y). */
  rotate?: number;
  /** A white edge, for text that lies over lines. */
  halo?: boolean;
}

/** A line of text; `y` is the middle of its lower-case height and its capitals. */
export function text(x: number, y: number, content: string, options: TextOptions): Svg {
  const { size, fill = INK, weight, anchor, rotate, halo = false } = options;
  return element(
    "text",
    {
      x,
      // Not by dominant-baseline, which renderers treat differently.
      y: y + size * 0.35,
      "font-size": size,
      fill,
      "font-weight": weight === "bold" ? "bold" : undefined,
      ...(halo ? { stroke: "#ffffff", "stroke-width": 5, "paint-order": "stroke" } : {}),
      "text-anchor": anchor === "start" ? undefined : anchor,
      transform: rotate === undefined ? undefined : `rotate(${round(rotate)} ${round(x)} ${round(y)})`,
    },
    escapeXml(content),
  );
}

export interface Stroke {
  stroke: string;
  width?: number;
  dash?: string | undefined;
}

export function line(x1: number, y1: number, x2: number, y2: number, { stroke, width = 1, dash }: Stroke): Svg {
  return element("line", {
    x1,
    y1,
    x2,
    y2,
    stroke,
    "stroke-width": width,
    "stroke-dasharray": dash,
  });
}

/** A line through points; where it has one point only, nothing. Points that can't be told apart are drawn as one. */
export function polyline(points: readonly (readonly [number, number])[], { stroke, width = 2, dash }: Stroke): Svg {
  if (points.length < 2) return "";
  const kept: (readonly [number, number])[] = [];
  points.forEach((point, i) => {
    const [x, y] = kept.at(-1) ?? [Infinity, Infinity];
    const moved = Math.max(Math.abs(point[0] - x), Math.abs(point[1] - y));
    if (moved >= RESOLUTION || i === points.length - 1) kept.push(point);
  });
  return element("polyline", {
    points: kept.map(([x, y]) => `${round(x)},${round(y)}`).join(" "),
    fill: "none",
    stroke,
    "stroke-width": width,
    "stroke-dasharray": dash,
    "stroke-linejoin": "round",
  });
}

/** A whole SVG file with a white background. */
export function svgDocument(width: number, height: number, ...children: readonly Svg[]): Svg {
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${round(width)} ${round(height)}`,
      width,
      height,
      // A browser without the font takes Verdana, from which it is derived, or its like.
      "font-family": `${FONT_FAMILY}, Verdana, sans-serif`,
    },
    element("rect", { width, height, fill: "#ffffff" }),
    ...children,
  );
}

/** Pixels. */
const RESOLUTION = 0.3;

export const INK = "#222222";
export const MUTED = "#5a5a5a";
export const GRID = "#e4e4e4";

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Escapes text for XML; characters that XML forbids become U+FFFD. */
export function escapeXml(value: string): string {
  return Array.from(value, (char) => (isXmlCharacter(char.codePointAt(0) ?? 0) ? char : "\ufffd"))
    .join("")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

// XML 1.0, production 2.
function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code < 0xd800 || (code > 0xdfff && code !== 0xfffe && code !== 0xffff);
}
