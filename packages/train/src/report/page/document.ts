import { html, markup, type Html, type HtmlValue } from "./html.ts";
import { STYLE } from "./style.ts";

/** A part of the report; one without a body is left out. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: HtmlValue;
}

export interface Page {
  readonly title: string;
  readonly header: Html;
  /** The first page: what stands above the contents. */
  readonly first: Html;
  readonly sections: readonly Section[];
  readonly footer: Html;
}

/** The whole file: nothing is loaded, nothing runs, and a browser is told to allow neither. */
export function page({ title, header, first, sections, footer }: Page): string {
  const contents = sections.map(({ id, title: text }) => html`<li><a href="#${id}">${text}</a></li> `);
  const parts = sections.map(
    ({ id, title: text, body }) =>
      html`<section id="${id}" aria-labelledby="${id}-title">
        <h2 id="${id}-title">${text}</h2>
        ${body}
      </section> `,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        <style>
          ${markup(STYLE)}
        </style>
      </head>
      <body>
        <div class="sheet">
          <a class="skip" href="#main">To the report</a>
          <header>${header}</header>
          <main id="main">
            ${first}
            <nav aria-label="Contents">
              <h3>Contents</h3>
              <ol>
                ${contents}
              </ol>
            </nav>
            ${parts}
          </main>
          <footer>${footer}</footer>
        </div>
      </body>
    </html> `.text;
}
