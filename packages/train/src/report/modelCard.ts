import { architectureName, counts, figureRows, lastPart, splitSizes, trainedFor, weightsOrigin } from "./facts.ts";
import { findingsOf, questionOf } from "./findings.ts";
import { count, fixed, list, plural, quoted, range } from "./format.ts";
import type { Report } from "./report.ts";

/** A part of a model card: sentences, then facts. Plain text. */
export interface CardSection {
  readonly title: string;
  readonly lines: readonly string[];
}

/** A model card by Mitchell et al. 2019 ("Model cards for model reporting"), with its nine parts. */
export interface ModelCard {
  readonly name: string;
  readonly sections: readonly CardSection[];
}

/** What only people can know. */
export const FOR_THE_AUTHORS = "To be filled in by the authors:";

/** What the run knows of its model, and what its authors have to add. */
export function modelCardOf(report: Report): ModelCard {
  return {
    name: report.name,
    sections: [
      { title: "Model details", lines: details(report) },
      { title: "Intended use", lines: intendedUse(report) },
      { title: "Factors", lines: factors(report) },
      { title: "Metrics", lines: metrics(report) },
      { title: "Evaluation data", lines: evaluationData(report) },
      { title: "Training data", lines: trainingData(report) },
      { title: "Quantitative analyses", lines: analyses(report) },
      { title: "Ethical considerations", lines: ETHICS },
      { title: "Caveats and recommendations", lines: caveats(report) },
      { title: "Licences", lines: licences(report) },
    ],
  };
}

function details(report: Report): string[] {
  const { config, recipe, bestEpoch, history, main } = report;
  const classes = main?.metrics.classes ?? config?.classes ?? [];
  const lines = [
    `${architectureName(report.architecture)} (He et al. 2015; the stride on the 3 x 3 convolution), a convolutional network that puts an image into one of ${plural(classes.length, "class", "classes")}: ${list(classes.slice(0, 12).map(quoted))}${classes.length > 12 ? " and others" : ""}.`,
  ];
  if (report.model !== null) lines.push(`The model evaluated: ${report.model}.`);
  if (config)
    lines.push(
      `Training began with ${weightsOrigin(report).text}, and was made by fracture ${config.fracture ?? "of an unknown version"}.`,
    );
  if (history.length > 0)
    lines.push(
      `Trained for ${trainedFor(report)}${bestEpoch === null ? "" : `; the weights are those of epoch ${bestEpoch}`}${recipe ? `; seed ${recipe.seed}` : ""}.`,
    );
  const decision = main?.decision;
  if (decision)
    lines.push(
      `Probabilities are calibrated by a temperature of ${fixed(decision.temperature)}; ${decision.threshold ? `${quoted(decision.threshold.positiveClass)} is decided for from ${fixed(decision.threshold.value)} on` : "the larger probability decides"}.`,
    );
  lines.push(`${FOR_THE_AUTHORS} who developed the model and when, how to cite it, whom to ask.`);
  return lines;
}

const intendedUse = (report: Report): string[] => [
  `Research on images like those it was trained on. ${questionOf(report)}`,
  "It is not a medical device: it must not be used for diagnosis, triage, or any decision about a person.",
  "Out of scope: other body parts, devices, projections, ages or populations than those of its training images, and pictures that are no radiographs. It always answers, whatever it is shown.",
  `${FOR_THE_AUTHORS} the primary uses and users in mind.`,
];

const factors = ({ subgroups }: Report): string[] => [
  subgroups && subgroups.rows.length > 0
    ? `Figures are given for each value of: ${list([...new Set(subgroups.rows.map(({ column }) => column))])}.`
    : "No columns of the data set tell age, sex, site, device or body part, so the figures are not broken down by them.",
  `${FOR_THE_AUTHORS} which groups, instruments and environments matter, and why others were not looked at.`,
];

function metrics({ main }: Report): string[] {
  if (!main) return ["Nothing was evaluated."];
  const { positiveClass } = main.metrics;
  return [
    `Accuracy, sensitivity, specificity, predictive values, F1, areas under the ROC and the precision-recall curve, log loss and calibration error, ${positiveClass === null ? "as means over the classes" : `with ${quoted(positiveClass)} as the finding`}.`,
    "95% intervals: Wilson’s for proportions of independent images, else a bootstrap stratified by class, over groups of related images where there are any.",
    "Temperature and threshold, where there are any, were chosen on the validation split alone.",
  ];
}

function evaluationData(report: Report): string[] {
  const { main, data } = report;
  if (!main) return ["None."];
  const { perClass, samples } = main.metrics;
  return [
    `${plural(samples, "image")} of the ${main.split} split${data === null ? "" : ` of ${lastPart(data)}`}: ${list(perClass.slice(0, 12).map(({ class: name, support }) => `${count(support)} ${quoted(name)}`))}.`,
    `${FOR_THE_AUTHORS} where the images come from, how and by whom they were labelled, why this set.`,
  ];
}

function trainingData(report: Report): string[] {
  const sizes = splitSizes(report);
  const { config, recipe } = report;
  const known = ["train", "val"].flatMap((split) =>
    sizes.has(split) ? [`${count(sizes.get(split)!)} in ${split}`] : [],
  );
  return [
    known.length > 0
      ? `Images: ${list(known)}${report.data === null ? "" : ` (${lastPart(report.data)})`}.`
      : "How many images is not known.",
    ...(config?.preprocessing
      ? [
          `Each is read as ${config.preprocessing.channels === "rgb" ? "colour" : "grey"}, its shorter side resized to ${config.preprocessing.resize} pixels, and its centre of ${config.preprocessing.crop} x ${config.preprocessing.crop} pixels used${recipe?.augmentation ? "; training varies crop, orientation and exposure" : ""}.`,
        ]
      : []),
    `${FOR_THE_AUTHORS} as for the evaluation data; and how the splits were made, if not by this program.`,
  ];
}

function analyses({ main }: Report): string[] {
  if (!main) return ["None."];
  const { right, samples, frequent } = counts(main.metrics);
  return [
    ...figureRows(main.metrics).map(
      ({ name, value, interval }) => `${name}: ${fixed(value)} (95% interval ${range(interval)}).`,
    ),
    `Right on ${count(right)} of ${count(samples)}; always saying ${quoted(frequent.class)} would be right on ${count(frequent.support)}.`,
    ...(main.withoutCopies?.metrics
      ? [
          `Without copies of training images (${plural(main.withoutCopies.metrics.samples, "image")}): accuracy ${fixed(main.withoutCopies.metrics.accuracy)} (95% interval ${range(main.withoutCopies.metrics.intervals.accuracy)}), AUC ${fixed(main.withoutCopies.metrics.rocAuc)} (${range(main.withoutCopies.metrics.intervals.rocAuc)}).`,
        ]
      : []),
  ];
}

const ETHICS = [
  "Radiographs are health data. The model file holds no images; this report may hold some, and the names of files.",
  "A missed finding and a false alarm harm people differently: the threshold decides between them, and the larger probability is no clinical choice.",
  `${FOR_THE_AUTHORS} consent, approval by an ethics committee, de-identification, and whom errors would harm.`,
];

function caveats(report: Report): string[] {
  const found = findingsOf(report).map(({ text }) => text);
  return [
    ...found,
    "Nothing is known of images from elsewhere: test it on images of your own before believing it, with the labels of people who did not see what it says.",
  ];
}

function licences(report: Report): string[] {
  const origin = weightsOrigin(report);
  const lines = ["The program, fracture: MIT."];
  if (origin.published)
    lines.push(
      "The weights that training began with are published with torchvision, whose code is under BSD-3-Clause; torchvision says that weights may have terms of their own, derived from their training data. These were trained on ImageNet, whose images are for non-commercial research and education.",
    );
  else if (origin.scratch) lines.push("Training began from random numbers: no other weights’ licence applies.");
  else lines.push(`The licence of ${origin.text}, with which training began, is not known to this run.`);
  lines.push(`${FOR_THE_AUTHORS} the licence of the images, and of this model.`);
  return lines;
}
