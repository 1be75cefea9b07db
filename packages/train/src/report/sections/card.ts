import { html, type HtmlValue } from "../page/html.ts";
import { FOR_THE_AUTHORS, modelCardOf } from "../modelCard.ts";
import type { Report } from "../report.ts";

/** The model card, which lies beside the report as Markdown too. */
export function cardSection(report: Report): HtmlValue {
  const { sections } = modelCardOf(report);
  return [
    html`<p>
      After Mitchell et al. 2019, “Model cards for model reporting”. The same is in <code>model-card.md</code>, in the
      form that Hugging Face’s hub reads.
    </p> `,
    sections.map(
      ({ title, lines }) =>
        html`<h3>${title}</h3>
          <ul>
            ${lines.map((line) => html`<li${line.startsWith(FOR_THE_AUTHORS) ? html` class="open"` : null}>${line}</li>\n`)}
          </ul> `,
    ),
  ];
}
