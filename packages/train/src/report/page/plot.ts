import { parseCsv } from "../../run/csv.ts";
import type { Svg } from "../../evaluate/svg/element.ts";
import { escapeHtml, html, markup, type Html, type HtmlValue } from "./html.ts";
import { table } from "./table.ts";

export interface PlotFigure {
  readonly svg: Svg;
  readonly title: string;
  /** What the plot shows, with its main figures: who does not see it has this. */
  readonly caption: HtmlValue;
  /** What a screen reader says in the plot's place. */
  readonly alt: string;
  readonly numbers: Html;
}

/** A plot with its caption, and its numbers as a table that opens. The style gives it the page's colours. */
export function plotFigure({ svg, title, caption, alt, numbers }: PlotFigure): Html {
  // The size is the page's to say, and nothing may turn a line of it round.
  const opened = svg
    .replaceAll(/[\u202A-\u202E\u2066-\u2069]/g, "\uFFFD")
    .replace(
      /^<svg xmlns="[^"]*" (viewBox="[^"]*") width="[^"]*" height="[^"]*"/,
      (_, box: string) => `<svg class="plot" role="img" aria-label="${escapeHtml(alt)}" ${box}`,
    );
  return html`<figure>
    <figcaption><b>${title}</b>${caption}</figcaption>
    ${markup(opened)}
    <details>
      <summary>${title}: the numbers</summary>
      ${numbers}
    </details>
  </figure> `;
}

/** Rows of a long table that are shown: a page of print holds several such tables. */
const MOST_ROWS = 20;

/** A CSV text as a table, numbers short; of a long one, rows at even distances, the first and the last among them. */
export function csvTable(caption: string, csv: string, from: string): Html {
  const [named = [], ...all] = parseCsv(csv);
  // Of one class alone its name says nothing.
  const skipped = named[0] === "class" && new Set(all.map(([name]) => name)).size === 1 ? 1 : 0;
  const header = named.slice(skipped);
  const records = all.map((record) => record.slice(skipped));
  const rows = thinned(records, MOST_ROWS);
  const whole = rows.length === records.length;
  return table({
    caption: whole ? caption : `${caption}: ${rows.length} of ${records.length} rows; ${from} has all of them`,
    columns: header.map((title, i) => ({
      title: title.replaceAll("_", " "),
      end: records.every((record) => !Number.isNaN(Number(record[i]))),
    })),
    rows: rows.map((record) => record.map(shortCell)),
  });
}

/** Some of a list at even distances, its ends among them. */
export function thinned<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}

function shortCell(cell: string): string {
  const value = Number(cell);
  return cell === "" || Number.isNaN(value) || Number.isInteger(value) ? cell : value.toFixed(3);
}
