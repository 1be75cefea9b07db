import { svgDocument, type Svg } from "./element.ts";
import { heading, legendColumn, legendColumnWidth, type Box, type LegendEntry } from "./frame.ts";

/**
 * "page": a picture of its own, with a heading, the legend beside it. "column": narrow, for a document that says the heading in its own text,
 * the legend below: its letters can be read on a phone.
 */
export type PlotLayout = "page" | "column";

/** Pixels, of a column. */
export const COLUMN_WIDTH = 360;

export interface PlotText {
  readonly title: string;
  readonly subtitle: string;
  readonly legend: readonly LegendEntry[];
  /** Pixels that the legend beside a plot may take. Default: what it wants. */
  readonly widest?: number;
}

/** A plot of one column of boxes, of which `box` is the first and `bottom` the end of the last, with heading and legend. */
export function plotDocument(
  layout: PlotLayout,
  box: Box,
  bottom: number,
  { title, subtitle, legend, widest = Infinity }: PlotText,
  ...parts: readonly Svg[]
): Svg {
  if (layout === "column") {
    const top = bottom + 52;
    const list = legendColumn(box.left, top, COLUMN_WIDTH - box.left - 4, legend);
    return svgDocument(COLUMN_WIDTH, top + 20 * legend.length, ...parts, list);
  }
  const left = box.left + box.width + 20;
  const legendWidth = Math.min(widest, Math.ceil(legendColumnWidth(legend)) + 1);
  const width = left + legendWidth + 20;
  return svgDocument(
    width,
    bottom + 56,
    heading(box.left, title, subtitle, width - box.left - 16),
    ...parts,
    legendColumn(left, box.top, legendWidth, legend),
  );
}
