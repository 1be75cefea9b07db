import { line, MUTED, svgDocument, text, type Svg } from "../../evaluate/svg/element.ts";
import { elide } from "../../evaluate/svg/font.ts";
import { dot, frame, heading, type Box } from "../../evaluate/svg/frame.ts";
import { BLUE, ORANGE } from "../../evaluate/svg/palette.ts";
import type { Axis } from "../../evaluate/svg/scale.ts";
import type { DataAudit } from "../checkData.ts";
import { SUSPICIOUS } from "../shortcuts.ts";
import { whisker } from "./series.ts";

const WIDTH = 760;
const ROW = 26;
const TOP = 92;
const LEFT = 230;
const RIGHT = WIDTH - 190;

/** Five ticks from the least interval's end, or half, to 1. */
function areaAxis(least: number): Axis {
  const low = Math.max(0, Math.min(0.4, Math.floor(least * 10) / 10));
  const ticks = Array.from({ length: Math.round((1 - low) * 10) + 1 }, (_, i) => low + i / 10);
  return { domain: [low, 1], ticks, format: (value) => value.toFixed(1) };
}

/** How well the class can be told from each property that is no bone: the area under the ROC curve with its 95% interval. */
export function shortcutsPlot({ shortcuts }: DataAudit): Svg {
  const rows = shortcuts.flatMap((row) =>
    row.auc === null || row.interval === null ? [] : [{ ...row, auc: row.auc, interval: row.interval }],
  );
  const height = Math.max(1, rows.length) * ROW;
  const box: Box = { left: LEFT, top: TOP, width: RIGHT - LEFT, height };
  const x = areaAxis(Math.min(0.5, ...rows.map(({ interval }) => interval[0])));
  const y: Axis = { domain: [0, 1], ticks: [], format: String };
  const axes = frame(box, { x, y, xGrid: true, xLabel: "area under the ROC curve, 95% interval" });
  const parts = rows.map(({ from, class: name, auc, interval, larger, suspicious }, i) => {
    const middle = TOP + (i + 0.5) * ROW;
    const colour = suspicious ? ORANGE : BLUE;
    const which = larger === null ? name : `${larger ? "larger" : "smaller"} in ${name}`;
    return [
      text(LEFT - 12, middle, from, { size: 12, anchor: "end", ...(suspicious ? { weight: "bold" as const } : {}) }),
      whisker(axes.x(interval[0]), axes.x(interval[1]), middle, colour),
      dot(axes.x(auc), middle, colour, 4.5),
      text(RIGHT + 12, middle, elide(`${auc.toFixed(2)}  ${which}`, WIDTH - RIGHT - 24, 11), { size: 11, fill: MUTED }),
    ].join("");
  });
  const at = (value: number, dash: string): Svg =>
    line(axes.x(value), TOP, axes.x(value), TOP + height, { stroke: MUTED, dash });
  const some = rows.some(({ suspicious }) => suspicious);
  return svgDocument(
    WIDTH,
    TOP + height + 56,
    heading(24, "What gives the class away that is no bone", "0.5 is chance: nothing is told", WIDTH - 48),
    text(
      24,
      68,
      some
        ? `bold: the whole interval lies above ${SUSPICIOUS}, and a network may learn this instead`
        : `none has its whole interval above ${SUSPICIOUS}`,
      { size: 12, fill: MUTED },
    ),
    axes.svg,
    at(0.5, "4 4"),
    at(SUSPICIOUS, "2 3"),
    rows.length === 0 ? text(LEFT + 12, TOP + ROW / 2, "every property is the same in all pictures", { size: 12 }) : "",
    ...parts,
  );
}
