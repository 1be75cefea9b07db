import type { Metrics } from "../../evaluate/metrics.ts";
import { figureRows } from "../facts.ts";
import { count, fixed, list, percent, plural } from "../format.ts";
import { html, type Html, type HtmlValue } from "../page/html.ts";
import { facts, interval, name, table } from "../page/table.ts";
import type { EvaluatedPart, Report } from "../report.ts";
import { plots } from "./plots.ts";

/** The figures of the test split with their intervals, at the threshold and plain, by class, beside those of val; and all plots. */
export function figuresSection(report: Report): HtmlValue {
  const { main, val } = report;
  if (!main) return null;
  return [
    main.recomputed
      ? html`<p class="muted">
          The figures kept with this run are of an older form: these are computed from its predictions.
        </p> `
      : null,
    allFigures(main, val),
    seeds(report),
    decision(main),
    html`<div class="wide-apart"><div> `,
    confusion(main.metrics, main.split),
    html`</div><div>\n`,
    byClass(main.metrics),
    html`</div></div>\n`,
    plots(main),
  ];
}

function allFigures(
  { metrics, split, withoutCopies, groups, decision: chosen }: EvaluatedPart,
  val: EvaluatedPart | null,
): HtmlValue {
  const clean = withoutCopies?.metrics ?? null;
  const others = [clean, val?.metrics ?? null].flatMap((one) => (one ? [figureRows(one)] : []));
  const of = metrics.positiveClass;
  const onVal = [
    "the weights",
    ...(chosen ? ["the temperature"] : []),
    ...(chosen?.threshold ? ["the threshold"] : []),
  ];
  return [
    table({
      caption: `Figures on ${plural(metrics.samples, `${split} image`)}, with 95% intervals`,
      columns: [
        { title: "Figure" },
        { title: `${split} (${count(metrics.samples)})`, end: true },
        ...(clean ? [{ title: `${split} without copies (${count(clean.samples)})`, end: true }] : []),
        ...(val ? [{ title: `${val.split} (${count(val.metrics.samples)})`, end: true }] : []),
      ],
      rows: figureRows(metrics).map(({ name: title, value, interval: ends }, i) => [
        title,
        interval(value, ends),
        ...others.map((rows) => interval(rows[i]?.value ?? null, rows[i]?.interval ?? null)),
      ]),
    }),
    html`<p class="small muted">
      ${
        of === null
          ? "All but accuracy, balanced accuracy and log loss are means over the classes, each against the rest."
          : html`AUC is the area under the ROC curve. Sensitivity, specificity, predictive values, F1, AUC and average
            precision take ${name(of)} as the finding.`
      }
      Intervals of proportions of independent images are Wilson’s; the others come from a bootstrap, stratified by
      class${groups === null ? "" : ", over groups of related images"}. Predictive values hold for this share of
      findings alone.${val ? ` What was chosen by val (${list(onVal)}) flatters its own figures.` : ""}
    </p> `,
  ];
}

const SEED_TITLES = {
  accuracy: "Accuracy",
  rocAuc: "AUC",
  recall: "Sensitivity",
  specificity: "Specificity",
  f1: "F1",
} as const;

function seeds({ seeds: found, main }: Report): HtmlValue {
  if (!found || found.split !== main?.split) return null;
  const rows = Object.entries(SEED_TITLES).flatMap(([key, title]) => {
    const spread = found.figures[key as keyof typeof SEED_TITLES];
    if (!spread) return [];
    const { mean, deviation, min, max, interval: ends } = spread;
    return [
      [title, interval(mean, ends), deviation === null ? "" : fixed(deviation), `${fixed(min)} to ${fixed(max)}`],
    ];
  });
  return [
    html`<h3>Over ${plural(found.runs.length, "seed")}</h3>
      <p>The same recipe, started from other random numbers: what differs between these runs is chance.</p> `,
    table({
      caption: `Figures on ${found.split} over seeds; the interval is of the mean`,
      columns: [
        { title: "Figure" },
        { title: "Mean" },
        { title: "Standard deviation", end: true },
        { title: "Range", end: true },
      ],
      rows,
    }),
  ];
}

function decision({ decision: found, plain, metrics, calibrationError, split }: EvaluatedPart): HtmlValue {
  if (!found || !plain)
    return html`<h3>Decision and calibration</h3>
      <p>
        The larger probability decides. Probabilities are the network’s own, without a
        temperature.${calibrationError === null ? null : ` Calibration error on ${split}: ${fixed(calibrationError)}.`}
      </p> `;
  const { threshold, temperature, reason, samples, before, after, bins } = found;
  const rule = threshold
    ? html`${name(threshold.positiveClass)} is decided for from a probability of ${fixed(threshold.value)} on, chosen
      ${threshold.rule === "youden" ? "by Youden’s index" : `for a sensitivity of ${threshold.sensitivity}`} on
      ${plural(samples, "image")} of val.`
    : html`The larger probability decides; no threshold was chosen.`;
  const rows: HtmlValue[][] = [
    [
      "Accuracy",
      interval(metrics.accuracy, metrics.intervals.accuracy),
      interval(plain.accuracy, plain.intervals.accuracy),
    ],
    [
      "Sensitivity (recall)",
      interval(metrics.recall, metrics.intervals.recall),
      interval(plain.recall, plain.intervals.recall),
    ],
    [
      "Specificity",
      interval(metrics.specificity, metrics.intervals.specificity),
      interval(plain.specificity, plain.intervals.specificity),
    ],
    ["F1", interval(metrics.f1, metrics.intervals.f1), interval(plain.f1, plain.intervals.f1)],
  ];
  return [
    html`<h3>Decision and calibration</h3>
      <p>
        ${rule} Probabilities are calibrated by a temperature of
        ${fixed(temperature)}${reason === null ? `, fitted on the same ${plural(samples, "image")}` : `: ${reason}`}.
        Both are in the model file and were applied to ${split} unchanged.
      </p> `,
    threshold
      ? table({
          caption: `Figures on ${split} at the threshold, and by the larger probability`,
          columns: [{ title: "Figure" }, { title: "At the threshold" }, { title: "By the larger probability" }],
          rows,
        })
      : null,
    facts(`Calibration error (${bins} bins) and log loss`, [
      [
        `On ${split}`,
        `${fixed(calibrationError)} (log loss ${fixed(metrics.logLoss)}); without the temperature ${fixed(plain.calibrationError)} (${fixed(plain.logLoss)})`,
      ],
      [
        "On val",
        `${fixed(after.calibrationError)} (log loss ${fixed(after.logLoss)}); without the temperature ${fixed(before.calibrationError)} (${fixed(before.logLoss)})`,
      ],
    ]),
  ];
}

/** More classes than this are no table for a page. */
const MOST_CLASSES = 30;

function confusion({ classes, confusionMatrix }: Metrics, split: string): HtmlValue {
  if (classes.length > MOST_CLASSES)
    return html`<p>
      The confusion matrix of ${plural(classes.length, "class", "classes")} is in results/confusion_matrix.png, its
      numbers in metrics.json.
    </p> `;
  const row = (counts: readonly number[], truth: number): Html => {
    const total = counts.reduce((sum, n) => sum + n, 0);
    const cells = counts.map((n, guess) => {
      const share = total === 0 ? 0 : n / total;
      return html`<td style="--share:${share.toFixed(3)}" ${guess === truth ? html` class="right"` : null}>
        <b>${count(n)}</b>${total === 0 ? "none" : percent(share)}
      </td>`;
    });
    return html`<tr>
      <th scope="row">${name(classes[truth]!)}</th>
      ${cells}
    </tr> `;
  };
  return html`<h3>Confusion matrix</h3>
    <div class="scroll" role="region" aria-label="Confusion matrix" tabindex="0">
      <table class="matrix">
        <caption>
          True classes in rows, what the model said in columns, on ${split}; shares are of the row. Framed: right.
        </caption>
        <thead>
          <tr>
            <td></td>
            ${classes.map((title) => html`<th scope="col">said: ${name(title)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${confusionMatrix.map(row)}
        </tbody>
      </table>
    </div> `;
}

function byClass({ perClass, macro, weighted, positiveClass }: Metrics): HtmlValue {
  type Row = Pick<(typeof perClass)[number], "recall" | "precision" | "rocAuc" | "intervals">;
  const cells = ({ recall, precision, rocAuc, intervals }: Row): HtmlValue[] => [
    interval(recall, intervals.recall),
    interval(precision, intervals.precision),
    interval(rocAuc, intervals.rocAuc),
  ];
  const drawn = table({
    caption: "Each class against the rest, with 95% intervals",
    columns: [
      { title: "Class" },
      { title: "Images", end: true },
      { title: "Sensitivity" },
      { title: "Precision" },
      { title: "AUC" },
    ],
    rows: [
      ...perClass.map((row) => [name(row.class), count(row.support), ...cells(row)]),
      ...(positiveClass === null
        ? [
            ["Mean, all classes alike", "", ...cells(macro)],
            ["Mean, by images", "", ...cells(weighted)],
          ]
        : []),
    ],
  });
  const folded = perClass.length > MOST_CLASSES;
  return [
    html`<h3>By class</h3> `,
    folded
      ? html`<details>
          <summary>Figures of ${plural(perClass.length, "class", "classes")}</summary>
          ${drawn}
        </details>`
      : drawn,
  ];
}
