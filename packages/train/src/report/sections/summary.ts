import type { Metrics } from "../../evaluate/metrics.ts";
import { RESEARCH_USE } from "../../notice.ts";
import { figureRows, lastPart, splitSizes, weightsOrigin, type FigureRow } from "../facts.ts";
import { answerOf, findingsOf, graveLeak, leakSentence, questionOf, type Finding } from "../findings.ts";
import { count, fixed, list, plural, range } from "../format.ts";
import { html, type Html, type HtmlValue } from "../page/html.ts";
import { interval, name, table } from "../page/table.ts";
import type { EvaluatedPart, Report } from "../report.ts";

/** The title, and what this is not. */
export function header(report: Report): Html {
  const day = report.sessions[0]?.started.slice(0, 10);
  return html`<p class="muted small">
      Fracture ${report.kind === "run" ? "run" : "evaluation"} report${day ? ` · begun ${day}` : null}
    </p>
    <h1>${name(report.name)}</h1>
    <p class="device">
      <strong>${RESEARCH_USE}</strong> These figures describe one model on one set of images. They say nothing of
      patients that are not in it, and no diagnosis may rest on them.
    </p> `;
}

/** The first page: what was asked, what came out, and what stands against believing it. */
export function summary(report: Report): Html {
  const answer = answerOf(report);
  const leak = graveLeak(report);
  return html`<section aria-labelledby="asked">
    <h2 id="asked">What was asked, and what came out</h2>
    <p class="question">${questionOf(report)}</p>
    <p>${origin(report)}</p>
    ${leak && report.main ? copiesBox(report.main, leakSentence(leak)) : null}${
      answer === null
        ? unfinished(report)
        : html`<p class="question">${answer}</p>
            ${tiles(report.main!.metrics, leak !== null)}`
    }
    ${cautions(findingsOf(report).filter(({ text }) => !leak || text !== leakSentence(leak)))}${notes(report)}
  </section> `;
}

function origin(report: Report): HtmlValue {
  const sizes = splitSizes(report);
  const images = ["train", "val", "test"].flatMap((split) => {
    const n = sizes.get(split);
    return n === undefined ? [] : [`${count(n)} in ${split}`];
  });
  const data =
    report.data === null
      ? null
      : html` Images: ${name(lastPart(report.data))}${images.length > 0 ? ` (${list(images)})` : null}.`;
  if (report.kind === "evaluation")
    return [report.model === null ? null : html`The model is ${name(report.model)}.`, data];
  return [html`Training began with ${name(weightsOrigin(report).text)}.`, data];
}

function unfinished({ history }: Report): Html {
  return html`<div class="box warning" role="note">
    <p>
      <strong>No test figures.</strong> ${
        history.length > 0
          ? `The run has ${plural(history.length, "epoch")} behind it and was not finished, or there was nothing to evaluate it on.`
          : "The run has not finished an epoch."
      }
    </p>
  </div> `;
}

const TILES = ["Accuracy", "AUC", "Sensitivity (recall)", "Specificity"];

function tiles(metrics: Metrics, doubtful: boolean): Html {
  const of = metrics.positiveClass;
  const shown = figureRows(metrics).filter((row) => TILES.includes(row.name));
  const label = of === null ? "Mean over the classes, each against the rest" : "";
  return html`<ul class="tiles">
      ${shown.map(tile)}
    </ul>
    <p class="muted small">
      ${doubtful ? "On all images, copies included. " : null}${
        of === null ? `${label}, but for the accuracy.` : html`Sensitivity and specificity for ${name(of)}.`
      }
      Bars span from 0 to 1; the shaded part is the 95% interval.
    </p> `;
}

function tile({ name: title, value, interval: ends }: FigureRow): Html {
  const bar =
    value === null || !ends
      ? null
      : html`<div class="bar" aria-hidden="true">
          <i style="--low:${share(ends[0])};--high:${share(ends[1])}"></i><u style="--at:${share(value)}"></u>
        </div>`;
  return html`<li class="tile">
    <span>${title}</span><b>${fixed(value)}</b>${bar}
    <span class="muted">95% interval <i class="interval">${range(ends)}</i></span>
  </li> `;
}

/** A number for the style alone. */
const share = (value: number): string => Math.min(1, Math.max(0, value)).toFixed(4);

function copiesBox({ metrics, split, withoutCopies }: EvaluatedPart, sentence: string): Html {
  const left = withoutCopies ? metrics.samples - withoutCopies.copies : null;
  const clean = withoutCopies?.metrics ?? null;
  const intro =
    left === null
      ? "The figures of this run are over all of them, copies included: what they measure is in part memory."
      : left === 0
        ? "No image is left without them: this set measures memory, and says nothing of new images."
        : `What the figures on all images measure is in part memory. Only those on the ${plural(left, "other image")} speak of new images${left < 30 ? ", and so few say little: see their intervals" : ""}.`;
  return html`<div class="box warning" role="note">
    <p><strong>Warning: ${sentence}</strong></p>
    <p>${intro}</p>
    ${clean ? sideBySide(metrics, clean, split) : null}
  </div> `;
}

function sideBySide(all: Metrics, clean: Metrics, split: string): Html {
  const less = figureRows(clean);
  return table({
    caption: "Figures with and without copies of training images, with 95% intervals",
    columns: [
      { title: "" },
      { title: `All ${plural(all.samples, `${split} image`)}` },
      { title: `Without copies: ${plural(clean.samples, "image")}` },
    ],
    rows: figureRows(all)
      .filter((row) => TILES.includes(row.name) || row.name === "F1")
      .map((row) => {
        const other = less.find(({ name: title }) => title === row.name);
        return [row.name, interval(row.value, row.interval), interval(other?.value ?? null, other?.interval ?? null)];
      }),
  });
}

function cautions(findings: readonly Finding[]): Html | null {
  if (findings.length === 0) return null;
  return html`<h3>Before believing it</h3>
    <ul>
      ${findings.map(({ level, text }) => html`<li>${level === "warning" ? html`<strong>Warning:</strong> ` : null}${text}</li> `)}
    </ul> `;
}

function notes({ notes: lines }: Report): Html | null {
  if (lines.length === 0) return null;
  return html`<h3>Left out</h3>
    <ul>
      ${lines.map((line) => html`<li>${line}</li> `)}
    </ul> `;
}
