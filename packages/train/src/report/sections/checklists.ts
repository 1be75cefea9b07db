import { claimAnswers, knownOf, stardAnswers, type Answers } from "../checklist/answers.ts";
import { CLAIM, STARD, type ChecklistItem } from "../checklist/items.ts";
import { html, type Html, type HtmlValue } from "../page/html.ts";
import { table } from "../page/table.ts";
import type { Report } from "../report.ts";

/** What stands at an item that no run can know. */
export const OPEN = "Not answered by this run: to be filled in by the authors.";

/** The items of two reporting guidelines, with what the run itself can say to each. */
export function checklistSection(report: Report): HtmlValue {
  const known = knownOf(report);
  return [
    html`<p>
      What journals ask of such a study, in our own words; the guidelines’ own text is what counts. Where it says “in
      part”, the authors have to add to it.
    </p> `,
    checklist(
      "CLAIM, 2024 update",
      "Checklist for Artificial Intelligence in Medical Imaging (Tejani et al. 2024, doi:10.1148/ryai.240300)",
      CLAIM,
      claimAnswers(known),
    ),
    checklist(
      "STARD 2015",
      "Standards for Reporting of Diagnostic Accuracy Studies (Bossuyt et al. 2015, doi:10.1136/bmj.h5527)",
      STARD,
      stardAnswers(known),
    ),
  ];
}

function checklist(title: string, source: string, items: readonly ChecklistItem[], answers: Answers): Html {
  const answered = items.filter(({ number }) => answers[number]?.status === "answered").length;
  const partly = items.filter(({ number }) => answers[number]?.status === "part").length;
  return html`<h3>${title}</h3>
    <p>${source}. Of ${items.length} entries this run answers ${answered}, and ${partly} in part.</p>
    ${table({
      caption: `${title}: what this run answers`,
      kind: "list",
      columns: [{ title: "No." }, { title: "Asks for" }, { title: "This run says" }],
      rows: items.map(({ number, asks }) => {
        const answer = answers[number];
        return [
          number,
          asks,
          answer
            ? [answer.status === "part" ? html`<strong>In part.</strong> ` : null, answer.text]
            : html`<span class="open">${OPEN}</span>`,
        ];
      }),
    })}`;
}
