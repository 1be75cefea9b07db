import type { Svg } from "../../evaluate/svg/element.ts";
import { frame, type Box } from "../../evaluate/svg/frame.ts";
import { plotDocument } from "../../evaluate/svg/layout.ts";
import { linearAxis } from "../../evaluate/svg/scale.ts";
import type { DataAudit } from "../checkData.ts";
import type { PictureCount } from "../distributions.ts";
import { classLegend, LEGEND_WIDTH, mark, moreClasses, shownClasses } from "./series.ts";

const BOX: Box = { left: 84, top: 76, width: 520, height: 320 };
const LARGEST = 16;
const SMALLEST = 2;

/** Width and height of the pictures of each class: a mark for each pair, its area by how many have it. */
export function sizesPlot(audit: DataAudit): Svg {
  const { classes } = audit;
  const sizes = shownClasses(classes).map((name) => sizesOfClass(audit, name));
  const all = sizes.flat();
  const most = Math.max(...all.map(({ pictures }) => pictures));
  const x = linearAxis(all.map(({ width }) => width));
  const y = linearAxis(all.map(({ height }) => height));
  const axes = frame(BOX, { x, y, xLabel: "width in pixels", yLabel: "height in pixels", xGrid: true });
  // The largest first, so that none is hidden.
  const marks = sizes
    .flatMap((counts, label) => counts.map((count) => ({ ...count, label })))
    .sort((a, b) => b.pictures - a.pictures)
    .map(({ width, height, pictures, label }) => {
      const radius = Math.max(SMALLEST, LARGEST * Math.sqrt(pictures / most));
      return mark(label, axes.x(width), axes.y(height), radius);
    });
  return plotDocument(
    "page",
    BOX,
    BOX.top + BOX.height,
    {
      title: "Dimensions",
      subtitle: `a mark's area is how many pictures have these dimensions, ${most} at the most${moreClasses(classes)}`,
      legend: classLegend(classes, true),
      widest: LEGEND_WIDTH,
    },
    axes.svg,
    ...marks,
  );
}

/** All splits together. */
export function sizesOfClass({ summary }: DataAudit, name: string): PictureCount[] {
  const counts = new Map<string, PictureCount>();
  for (const { sizes } of summary.filter((row) => row.class === name))
    for (const { width, height, pictures } of sizes) {
      const key = `${width} ${height}`;
      counts.set(key, { width, height, pictures: (counts.get(key)?.pictures ?? 0) + pictures });
    }
  return [...counts.values()].sort((a, b) => a.width - b.width || a.height - b.height);
}
