import { polyline, text, type Svg } from "../../evaluate/svg/element.ts";
import { frame, type Box } from "../../evaluate/svg/frame.ts";
import { plotDocument } from "../../evaluate/svg/layout.ts";
import { linearAxis, type Axis } from "../../evaluate/svg/scale.ts";
import type { DataAudit } from "../checkData.ts";
import { LEVEL_BINS } from "../fingerprint.ts";
import { classLegend, LEGEND_WIDTH, moreClasses, shownClasses, styleOf } from "./series.ts";

const BOX = { left: 84, width: 520, height: 150 };
const GAP = 60;
const TOP = 96;

const LEVEL_AXIS: Axis = { domain: [0, 256], ticks: [0, 64, 128, 192, 256], format: String };

/** Which levels the pictures of each class have, a panel a split: a class that is brighter or darker all over shows here. */
export function levelsPlot({ summary, classes }: DataAudit): Svg {
  const splits = [...new Set(summary.map(({ split }) => split))];
  const shown = shownClasses(classes);
  const highest = Math.max(...summary.flatMap(({ levels }) => levels));
  const y = linearAxis([0, highest], { count: 4, percent: true });
  const panels = splits.map((split, i) => {
    const box: Box = { ...BOX, top: TOP + i * (BOX.height + GAP) };
    const last = i === splits.length - 1;
    const axes = frame(box, {
      x: LEVEL_AXIS,
      y,
      yLabel: "share of pixels",
      ...(last ? { xLabel: "level, 0 is black" } : { hideXTicks: true }),
    });
    const lines = summary
      .filter((row) => row.split === split && shown.includes(row.class))
      .map(({ levels, class: name }) => {
        const points = levels.map((share, bin) => [axes.x(((bin + 0.5) * 256) / LEVEL_BINS), axes.y(share)] as const);
        return polyline(points, styleOf(classes.indexOf(name)));
      });
    return axes.svg + lines.join("") + text(box.left, box.top - 13, split ?? "all", { size: 12, weight: "bold" });
  });
  return plotDocument(
    "page",
    { ...BOX, top: TOP },
    TOP + splits.length * (BOX.height + GAP) - GAP,
    {
      title: "Levels by class",
      subtitle: `mean of the pictures' own shares, ${LEVEL_BINS} bins${moreClasses(classes)}`,
      legend: classLegend(classes),
      widest: LEGEND_WIDTH,
    },
    ...panels,
  );
}
