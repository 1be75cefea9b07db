import { RESEARCH_USE } from "../notice.ts";
import { html } from "./page/html.ts";
import { page, type Section } from "./page/document.ts";
import type { Report } from "./report.ts";
import { cardSection } from "./sections/card.ts";
import { checklistSection } from "./sections/checklists.ts";
import { dataSection } from "./sections/data.ts";
import { figuresSection } from "./sections/figures.ts";
import { picturesSection } from "./sections/pictures.ts";
import { subgroupsSection } from "./sections/subgroups.ts";
import { header, summary } from "./sections/summary.ts";
import { trainingSection } from "./sections/training.ts";

/** The report as one HTML file that needs nothing else: style, plots and pictures are in it, no script. */
export function reportHtml(report: Report): string {
  const all: Section[] = [
    { id: "data", title: "Data", body: dataSection(report) },
    { id: "training", title: "Training", body: trainingSection(report) },
    { id: "figures", title: `Figures${report.main ? ` on ${report.main.split}` : ""}`, body: figuresSection(report) },
    { id: "subgroups", title: "Subgroups", body: subgroupsSection(report) },
    { id: "pictures", title: "Mistakes and doubts", body: picturesSection(report) },
    { id: "card", title: "Model card", body: cardSection(report) },
    { id: "checklists", title: "Checklists", body: checklistSection(report) },
  ];
  const { worstMistakes, leastCertain, surest } = report.pictures;
  const shown = [...worstMistakes, ...leastCertain, ...surest];
  const holds =
    shown.some(({ plain, overlay }) => plain !== null || overlay !== null) ||
    report.dataPlots.some(({ showsData }) => showsData);
  return page({
    title: `${report.name}: Fracture report`,
    header: header(report),
    first: summary(report),
    sections: all.filter(({ body }) => body !== null),
    footer: html`<p>
      <strong>${RESEARCH_USE}</strong> ${
        holds
          ? "This file holds images of the data set and names of files: share it as you would share those (“fracture report --no-pictures” makes one without images)."
          : "This file holds no images of the data set; it holds names of files."
      }
      Made by fracture ${report.version} from the run folder alone.
    </p> `,
  });
}
