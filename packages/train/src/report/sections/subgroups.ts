import { count } from "../format.ts";
import { html, type HtmlValue } from "../page/html.ts";
import { interval, name, table } from "../page/table.ts";
import type { Report } from "../report.ts";

/** How the figures of subgroups.json are called elsewhere in the report; others keep their names. */
const TITLES: Readonly<Record<string, string>> = {
  accuracy: "Accuracy",
  sensitivity: "Sensitivity",
  specificity: "Specificity",
};
/** Columns of a table that can be read; subgroups.csv has the others. */
const MOST_FIGURES = 4;

/** Figures by the values of the data set's own columns. */
export function subgroupsSection({ subgroups }: Pick<Report, "subgroups">): HtmlValue {
  if (!subgroups) return null;
  const { rows: all, leftOut, split } = subgroups;
  const columns = [...new Set(all.map(({ column }) => column))];
  return [
    html`<p>
      On ${split}, by what the data set says of its images. Many groups are looked at: one whose interval stands apart
      may do so by chance. Where there are too few images no figures are given.
    </p> `,
    columns.map((column) => {
      const rows = all.filter((row) => row.column === column);
      const figures = [...new Set(rows.flatMap((row) => Object.keys(row.figures)))].slice(0, MOST_FIGURES);
      return table({
        caption: `By ${column}, with 95% intervals`,
        columns: [
          { title: column },
          { title: "Images", end: true },
          ...figures.map((key) => ({ title: TITLES[key] ?? key, end: true })),
        ],
        rows: rows.map(({ value, samples, tooFew, figures: found }) => [
          name(value),
          count(samples),
          ...figures.map((key) =>
            tooFew ? "too few" : interval(found[key]?.value ?? null, found[key]?.interval ?? null),
          ),
        ]),
      });
    }),
    leftOut.length > 0
      ? html`<p class="small muted">
          Left out: ${leftOut.map(({ column, why }, i) => [i > 0 ? "; " : null, name(column), ` ${why}`])}.
        </p> `
      : null,
  ];
}
