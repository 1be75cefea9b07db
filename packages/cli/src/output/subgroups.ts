import type { Subgroup, SubgroupFigure, Subgroups } from "@fracture/train";
import { formatCount, formatInterval, printable } from "./format.ts";
import { formatTable } from "./table.ts";

/** A split's figures by the values of the data set's own columns, for people; empty where there are none. */
export function formatSubgroups(subgroups: Subgroups | null): string {
  if (!subgroups) return "";
  const { split, rows, leftOut } = subgroups;
  const figures = [...new Set(rows.flatMap((row) => Object.keys(row.figures)))];
  const table = formatTable(rows, [
    { title: `${split}, by`, cell: ({ column }) => column },
    { title: "value", cell: ({ value }) => value },
    { title: "pictures", cell: ({ samples }) => formatCount(samples), align: "right" },
    ...figures.map((title) => ({
      title,
      cell: ({ tooFew, figures: found }: Subgroup) => (tooFew ? "" : estimate(found[title])),
    })),
    ...(rows.some(({ tooFew }) => tooFew)
      ? [{ title: "", cell: ({ tooFew }: Subgroup) => (tooFew ? "too few to say" : "") }]
      : []),
  ]);
  const without = leftOut.map(({ column, why }) => `${printable(column)} (${why})`).join(", ");
  return `\n${rows.length > 0 ? table : ""}${without === "" ? "" : `Columns left out: ${without}.\n`}`;
}

function estimate(figure: SubgroupFigure | undefined): string {
  if (!figure || figure.value === null) return "undefined";
  const { value, interval } = figure;
  return `${value.toFixed(3)}${interval ? ` (${formatInterval(interval)})` : ""}`;
}
