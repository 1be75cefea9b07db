import { element, INK, MUTED, svgDocument, text, type Svg } from "./element.ts";
import { elide } from "./font.ts";
import { heading } from "./frame.ts";

/** A picture on a sheet. */
export interface SheetCell {
  /** A whole PNG file; null leaves the place empty. */
  readonly png: Uint8Array | null;
  readonly width: number;
  readonly height: number;
  /** What stands below. */
  readonly caption: string;
}

export interface SheetRow {
  /** What stands above, a line each. */
  readonly lines: readonly string[];
  readonly cells: readonly SheetCell[];
}

export interface ContactSheet {
  readonly title: string;
  readonly subtitle: string;
  readonly rows: readonly SheetRow[];
  /** Height and width at the most of a picture on the sheet. Default: 150. */
  readonly side?: number;
}

const GAP = 10;
const LEFT = 24;
const TOP = 72;
const LINE = 17;
const CAPTION = 18;
const LEAST_WIDTH = 620;

/** Rows of pictures with their names, in one SVG that holds the pictures too. */
export function contactSheet({ title, subtitle, rows, side = 150 }: ContactSheet): Svg {
  const columns = Math.max(1, ...rows.map(({ cells }) => cells.length));
  const width = Math.max(LEAST_WIDTH, 2 * LEFT + columns * side + (columns - 1) * GAP);
  let top = TOP;
  const drawn = rows.map(({ lines, cells }) => {
    const words = lines.map((line, i) =>
      text(LEFT, top + (i + 0.5) * LINE, elide(line, width - 2 * LEFT, 11), { size: 11, fill: INK }),
    );
    const below = top + lines.length * LINE + 4;
    top = below + side + CAPTION + GAP;
    return [...words, ...cells.map((cell, i) => drawCell(cell, LEFT + i * (side + GAP), below, side))].join("");
  });
  return svgDocument(width, top, heading(LEFT, title, subtitle, width - 2 * LEFT), ...drawn);
}

function drawCell({ png, width, height, caption }: SheetCell, left: number, top: number, side: number): Svg {
  const scale = side / Math.max(width, height);
  const [w, h] = [width * scale, height * scale];
  const picture =
    png === null
      ? element("rect", { x: left, y: top, width: side, height: side, fill: "none", stroke: MUTED })
      : element("image", {
          x: left + (side - w) / 2,
          y: top + (side - h) / 2,
          width: w,
          height: h,
          href: `data:image/png;base64,${Buffer.from(png).toString("base64")}`,
        });
  const words = elide(caption, side, 10);
  return picture + text(left + side / 2, top + side + CAPTION / 2, words, { size: 10, anchor: "middle", fill: MUTED });
}
