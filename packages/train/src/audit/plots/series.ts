import { element, line, type Svg } from "../../evaluate/svg/element.ts";
import { dot, type LegendEntry } from "../../evaluate/svg/frame.ts";
import { SERIES } from "../../evaluate/svg/palette.ts";

/** Classes that are drawn; the tables have all of them. */
export const MOST_CLASSES = SERIES.length;

type Mark = NonNullable<LegendEntry["mark"]>;

/** How a class is drawn: colour, dash and mark of its own. */
export const styleOf = (label: number): { stroke: string; dash?: string } => SERIES[label % SERIES.length]!;
export const markOf = (label: number): Mark => (["dot", "ring", "area"] as const)[label % 3]!;

export const shownClasses = (classes: readonly string[]): readonly string[] => classes.slice(0, MOST_CLASSES);

/** What a subtitle says of classes that are not drawn. */
export const moreClasses = (classes: readonly string[]): string =>
  classes.length > MOST_CLASSES ? ` · the first ${MOST_CLASSES} of ${classes.length} classes` : "";

/** The classes' names, for beside the data. */
export const classLegend = (classes: readonly string[], marks = false): LegendEntry[] =>
  shownClasses(classes).map((label, i) => ({ label, ...styleOf(i), ...(marks ? { mark: markOf(i) } : {}) }));

/** A class's mark, of any size. */
export function mark(label: number, x: number, y: number, radius: number): Svg {
  const { stroke } = styleOf(label);
  const kind = markOf(label);
  if (kind === "dot") return dot(x, y, stroke, radius);
  if (kind === "ring")
    return element("circle", { cx: x, cy: y, r: radius + 1.5, fill: "none", stroke, "stroke-width": 2 });
  return element("rect", { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius, fill: stroke });
}

/** A horizontal interval with its ends. */
export const whisker = (from: number, to: number, y: number, stroke: string): Svg =>
  line(from, y, to, y, { stroke, width: 2 }) +
  line(from, y - 4, from, y + 4, { stroke, width: 2 }) +
  line(to, y - 4, to, y + 4, { stroke, width: 2 });

/** Pixels that the classes' names may take beside the data. */
export const LEGEND_WIDTH = 220;
