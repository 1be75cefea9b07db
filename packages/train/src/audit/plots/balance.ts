import { element, line, MUTED, svgDocument, text, type Svg } from "../../evaluate/svg/element.ts";
import { elide } from "../../evaluate/svg/font.ts";
import { heading } from "../../evaluate/svg/frame.ts";
import type { DataAudit } from "../checkData.ts";
import { moreClasses, shownClasses, styleOf } from "./series.ts";

const WIDTH = 760;
const ROW = 24;
const TOP = 76;
const BAR_LEFT = 230;
const BAR_RIGHT = WIDTH - 140;

/** How many pictures each class has in each split: a bar each. */
export function classBalancePlot({ summary, classes, pictures }: DataAudit): Svg {
  const shown = shownClasses(classes);
  const rows = summary.filter((row) => shown.includes(row.class));
  const most = Math.max(1, ...rows.map((row) => row.pictures));
  let y = TOP;
  let split: string | null | undefined;
  const parts = rows.map((row) => {
    const first = row.split !== split;
    if (first && split !== undefined) y += 12;
    split = row.split;
    const label = classes.indexOf(row.class);
    const width = ((BAR_RIGHT - BAR_LEFT) * row.pictures) / most;
    const middle = y + ROW / 2;
    const part = [
      first ? text(24, middle, row.split ?? "all", { size: 12, weight: "bold" }) : "",
      text(BAR_LEFT - 10, middle, elide(row.class, BAR_LEFT - 110, 12), { size: 12, anchor: "end" }),
      element("rect", { x: BAR_LEFT, y: y + 3, width, height: ROW - 6, fill: styleOf(label).stroke }),
      text(BAR_LEFT + width + 8, middle, `${row.pictures} (${(100 * row.share).toFixed(1)}%)`, {
        size: 11,
        fill: MUTED,
      }),
    ].join("");
    y += ROW;
    return part;
  });
  const title = `${pictures} pictures, by split and class; in brackets the share of the split${moreClasses(classes)}`;
  return svgDocument(
    WIDTH,
    y + 24,
    heading(24, "Class balance", title, WIDTH - 48),
    ...parts,
    line(BAR_LEFT, TOP, BAR_LEFT, y, { stroke: MUTED }),
  );
}
