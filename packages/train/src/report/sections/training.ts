import { trainingCurvesPlot } from "../../evaluate/plots/trainingCurves.ts";
import { csvLine } from "../../run/csv.ts";
import { HISTORY_COLUMNS, historyCells } from "../../run/history.ts";
import type { RunSession } from "../../run/environment.ts";
import { commandOf } from "../command.ts";
import { architectureName, trainedFor, trainingTime, weightsOrigin } from "../facts.ts";
import { count, duration, fixed, plural, short } from "../format.ts";
import { drawn } from "../page/drawn.ts";
import { html, type Html, type HtmlValue } from "../page/html.ts";
import { csvTable, plotFigure } from "../page/plot.ts";
import { facts, name, table } from "../page/table.ts";
import type { Report } from "../report.ts";

/** Recipe, stages, curves, time, machine, and the command that makes the run again. */
export function trainingSection(report: Report): HtmlValue {
  if (!report.config && report.history.length === 0) return null;
  return [
    html`<div class="wide-apart"><div> `,
    recipe(report),
    html`</div><div>\n`,
    curves(report),
    html`</div></div>\n`,
    stages(report),
    report.rateSearch && html`<div class="figures">${drawn(report.rateSearch)}</div>`,
    machines(report.sessions),
    again(report),
  ];
}

function recipe(report: Report): HtmlValue {
  const { config, recipe: known } = report;
  if (!config) return html`<p>The configuration can’t be read (see “Left out”).</p> `;
  const seen = config.preprocessing;
  const time = trainingTime(report);
  const rows: [string, HtmlValue][] = [
    ["Network", architectureName(config.architecture)],
    ["Began with", name(weightsOrigin(report).text)],
    [
      "Input",
      seen &&
        `${seen.channels === "rgb" ? "colour" : "grey"}, shorter side to ${seen.resize}, centre ${seen.crop} x ${seen.crop} pixels`,
    ],
  ];
  if (known) {
    const { augmentation, patience } = known;
    rows.push(
      ["Optimiser", `${known.optimizer}, weight decay ${known.weightDecay ?? "as torch’s default"}`],
      ["Learning rate", `times ${short(known.gamma)} every ${plural(known.stepSize, "epoch")}; each stage’s is below`],
      ["Batch", `${plural(known.batchSize, "image")}, ${orderIn(known)}`],
      ["Augmentation", augmentation ? augmented(augmentation) : "none"],
      ["Class weights", known.classWeights],
      [
        "Early stopping",
        patience === null ? "none" : `after ${plural(patience, "epoch")} without a better ${known.monitor}`,
      ],
      ["Precision", known.precision],
      ["Seed", known.seed],
    );
  } else
    rows.push(
      ...Object.entries(config.recipe).map(([key, value]): [string, HtmlValue] => [key, JSON.stringify(value) ?? ""]),
    );
  rows.push(
    ["Trained for", report.history.length > 0 ? trainedFor(report) : null],
    ["Weights kept", report.bestEpoch === null ? "those of the last epoch" : `those of epoch ${report.bestEpoch}`],
    [
      "Time",
      time &&
        `${duration(time.seconds)}${time.imagesPerSecond === null ? "" : `, ${short(time.imagesPerSecond)} images a second in the median epoch`}`,
    ],
  );
  return facts(
    "Recipe",
    rows.filter(([, value]) => value !== null && value !== undefined),
  );
}

const orderIn = ({ sampler, shuffle }: NonNullable<Report["recipe"]>): string => {
  if (sampler === "balanced") return "drawn anew each epoch, every class as likely as any other";
  return shuffle ? "in another order each epoch" : "in the files’ order";
};

type Augmentation = NonNullable<NonNullable<Report["recipe"]>["augmentation"]>;

const augmented = ({ scale, flip, rotation, brightness, contrast }: Augmentation): string =>
  `crops of ${short(100 * scale[0])} to ${short(100 * scale[1])}% of the area, mirrored with probability ${short(flip)}, turned by up to ${short(rotation)} degrees, brightness ±${short(100 * brightness)}%, contrast ±${short(100 * contrast)}%`;

function stages({ config }: Report): HtmlValue {
  if (!config || config.stages.length === 0) return null;
  return table({
    caption: "Stages as planned",
    columns: [
      { title: "Stage" },
      { title: "Frozen up to" },
      { title: "Epochs", end: true },
      { title: "Rate of the head", end: true },
      { title: "Rate of the backbone", end: true },
      { title: "Warm-up, epochs", end: true },
    ],
    rows: config.stages.map(({ name: stage, freeze, epochs, lr, backboneLr, warmup, layerDecay }) => [
      name(stage),
      freeze,
      count(epochs),
      short(lr),
      freeze === "all"
        ? "frozen"
        : `${short(backboneLr)}${layerDecay === 1 ? "" : `, times ${short(layerDecay)} a layer further down`}`,
      short(warmup),
    ]),
  });
}

function curves({ history, bestEpoch }: Report): HtmlValue {
  if (history.length === 0) return null;
  const last = history.at(-1)!;
  const best = history.find(({ epoch }) => epoch === bestEpoch);
  const told = best ?? last;
  const words = `${best ? `The weights kept are those of epoch ${best.epoch}, marked by rings` : `After the last epoch, ${last.epoch}`}: training loss ${fixed(told.trainLoss)}, validation loss ${fixed(told.valLoss)}, validation accuracy ${fixed(told.valAccuracy)}.`;
  const rows = history.map((row) => csvLine(HISTORY_COLUMNS.map((column) => historyCells(row)[column])));
  return plotFigure({
    svg: trainingCurvesPlot({ history, bestEpoch }, "column"),
    title: "Training curves",
    caption: ` ${words}`,
    alt: `Line plots of loss, accuracy and learning rate over ${plural(history.length, "epoch")}. ${words}`,
    numbers: csvTable("Epochs", csvLine(HISTORY_COLUMNS) + rows.join(""), "history.csv"),
  });
}

function machines(sessions: readonly RunSession[]): HtmlValue {
  const [first] = sessions;
  if (!first)
    return html`<p class="muted">
      On which device the run was computed was not kept (runs of earlier versions don’t say).
    </p> `;
  const { device } = first;
  return [
    facts("Machine", [
      ["Device", [name(device.name), device.software ? " (a CPU, by a software driver)" : null]],
      ["Driver", [name(device.driver), device.backend ? `, ${device.backend}` : null]],
      [
        "Processor",
        `${first.processor}, ${plural(first.threads, "thread")}, ${short(first.memoryBytes / 2 ** 30)} GiB`,
      ],
      ["System", first.platform],
      ["Versions", `fracture ${first.fracture}, Node ${first.node}, sharp ${first.sharp}`],
      ["Begun", `${first.started.replace("T", " ").slice(0, 16)} UTC`],
      ...(sessions.length > 1
        ? [
            [
              "Resumed",
              `${plural(sessions.length - 1, "time")}, last ${sessions.at(-1)!.started.replace("T", " ").slice(0, 16)} UTC`,
            ] as const,
          ]
        : []),
    ]),
  ];
}

function again(report: Report): Html | null {
  const { config } = report;
  const command = commandOf(report);
  if (command === null || !config) return null;
  return html`<h3>To run it again</h3>
    <pre><code>${command}</code></pre>
    <p class="small muted">
      The same command, seed and device give the same weights, bit for bit. Version ${config.fracture ?? "unknown"}.
      ${
        config.weightsSha256 === null
          ? null
          : html`SHA-256 of the weights that it began with: <code>${config.weightsSha256}</code>. `
      }${config.dataSha256 === null ? null : html`Of the images’ names, splits and labels: <code>${config.dataSha256}</code>.`}
    </p> `;
}
