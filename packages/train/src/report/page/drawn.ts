import type { Attachment } from "../report.ts";
import { html, type Html } from "./html.ts";
import { csvTable } from "./plot.ts";

/** A figure that was drawn before, as a picture with its numbers. */
export const drawn = ({ title, picture, csv, csvName }: Attachment): Html =>
  html`<figure class="drawn">
    <figcaption><b>${title}</b></figcaption>
    <img
      src="${picture.src}"
      width="${picture.width}"
      height="${picture.height}"
      alt="${title}: ${csv === null ? "drawn by the run" : "drawn by the run, its numbers are in the table that follows"}"
    />
    ${
      csv === null
        ? null
        : html`<details>
            <summary>${title}: the numbers</summary>
            ${csvTable(title, csv, csvName)}
          </details>`
    }
  </figure> `;
