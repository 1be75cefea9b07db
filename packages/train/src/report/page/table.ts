import type { Interval } from "../../evaluate/wilson.ts";
import { fixed, range } from "../format.ts";
import { html, type Html, type HtmlValue } from "./html.ts";

export interface Column {
  readonly title: HtmlValue;
  /** Numbers stand at the end. */
  readonly end?: boolean;
}

export interface TableOptions {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly HtmlValue[])[];
  readonly kind?: string;
}

/** A table whose first cell of each row names the row. Where it is wider than the page, it alone scrolls, by the keyboard too. */
export function table({ caption, columns, rows, kind }: TableOptions): Html {
  const place = (i: number): Html | null => (columns[i]?.end ? html` class="end"` : null);
  const head = columns.map(({ title }, i) => html`<th scope="col" ${place(i)}>${title}</th>`);
  const body = rows.map(([first, ...others]) => {
    const cells = others.map((cell, i) => html`<td${place(i + 1)}>${cell}</td>`);
    return html`<tr>
      <th scope="row" ${place(0)}>${first}</th>
      ${cells}
    </tr>`;
  });
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table${kind === undefined ? null : html` class="${kind}"`}>
<caption><span>${caption}</span></caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body.map((row) => [row, "\n"])}</tbody>
</table>
</div>
`;
}

/** Names and what they stand for, as a table of two columns. */
export function facts(caption: string, rows: readonly (readonly [string, HtmlValue])[]): Html {
  const body = rows.map(
    ([name, value]) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td>${value}</td>
      </tr> `,
  );
  return html`<table class="facts">
    <caption>
      ${caption}
    </caption>
    <tbody>
      ${body}
    </tbody>
  </table> `;
}

/** A figure with its 95% interval, which goes to the next line where there is no room. */
export const interval = (value: number | null, ends: Interval | null): Html =>
  html`<b>${fixed(value)}</b> <span class="interval">(${range(ends)})</span>`;

/** A name from the data: text whose direction is its own. */
export const name = (text: string): Html => html`<bdi>${text}</bdi>`;
