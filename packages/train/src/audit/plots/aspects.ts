import { line, MUTED, polyline, type Svg } from "../../evaluate/svg/element.ts";
import { frame, type Box } from "../../evaluate/svg/frame.ts";
import { plotDocument } from "../../evaluate/svg/layout.ts";
import { linearAxis, type Axis } from "../../evaluate/svg/scale.ts";
import type { DataAudit } from "../checkData.ts";
import { ASPECT_BINS, ASPECT_EDGES } from "../distributions.ts";
import { classLegend, LEGEND_WIDTH, moreClasses, shownClasses, styleOf } from "./series.ts";

const BOX: Box = { left: 84, top: 76, width: 520, height: 220 };

const ASPECT_AXIS: Axis = {
  domain: [ASPECT_EDGES[0]!, ASPECT_EDGES[ASPECT_BINS]!],
  ticks: [0.25, 0.5, 1, 2, 4],
  format: (ratio) => (ratio < 1 ? `1 : ${1 / ratio}` : `${ratio} : 1`),
  log: true,
};

/** Width to height of the pictures of each class, all splits together. */
export function aspectsPlot(audit: DataAudit): Svg {
  const { classes } = audit;
  const shares = aspectShares(audit);
  const y = linearAxis([0, Math.max(...shares.flat())], { count: 4, percent: true });
  const axes = frame(BOX, { x: ASPECT_AXIS, y, xLabel: "width : height", yLabel: "share of the class" });
  const steps = shownClasses(classes).map((_, label) => {
    const corners = shares[label]!.flatMap((share, bin) => [
      [axes.x(ASPECT_EDGES[bin]!), axes.y(share)] as const,
      [axes.x(ASPECT_EDGES[bin + 1]!), axes.y(share)] as const,
    ]);
    return polyline(corners, styleOf(label));
  });
  return plotDocument(
    "page",
    BOX,
    BOX.top + BOX.height,
    {
      title: "Aspect ratios",
      subtitle: `pictures that are longer than 4 : 1 are counted at the ends${moreClasses(classes)}`,
      legend: classLegend(classes),
      widest: LEGEND_WIDTH,
    },
    axes.svg,
    line(axes.x(1), BOX.top, axes.x(1), BOX.top + BOX.height, { stroke: MUTED, dash: "4 4" }),
    ...steps,
  );
}

/** [classes][ASPECT_BINS] The share of a class's pictures in each bin. */
export function aspectShares({ summary, classes }: DataAudit): number[][] {
  return classes.map((name) => {
    const rows = summary.filter((row) => row.class === name);
    const count = rows.reduce((sum, { pictures }) => sum + pictures, 0);
    return Array.from(
      { length: ASPECT_BINS },
      (_, bin) => rows.reduce((sum, { aspects }) => sum + aspects[bin]!, 0) / Math.max(1, count),
    );
  });
}
