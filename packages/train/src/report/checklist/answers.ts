import { architectureName, counts, splitSizes, trainedFor, weightsOrigin } from "../facts.ts";
import { findingsOf, leakSentence } from "../findings.ts";
import { count, fixed, list, plural, quoted, range } from "../format.ts";
import type { Report } from "../report.ts";

/** What a run says to an item; "part": its authors have to add to it. */
export interface Answer {
  readonly status: "answered" | "part";
  readonly text: string;
}

export type Answers = Readonly<Record<string, Answer | null>>;

const full = (text: string): Answer => ({ status: "answered", text });
const part = (text: string): Answer => ({ status: "part", text });

/** What the run can say itself, by what is asked; null where it can't. */
export function knownOf(report: Report) {
  const { main, val, config, recipe, audit, sessions, history } = report;
  const [first] = sessions;
  const sizes = splitSizes(report);
  const images = list([...sizes].map(([split, n]) => `${split} ${count(n)}`));
  const leak = audit?.leaks.find(({ copies }) => copies > 0);
  const unreadable = Object.values(report.unreadable).reduce((sum, n) => sum + n, 0);
  return {
    kind: part(`Deep learning: a convolutional network (${architectureName(report.architecture)}).`),
    goal: main ? part("To train a classifier of images and to estimate its accuracy on images held out.") : null,
    preprocessing: config?.preprocessing
      ? full(
          `Decoded to 8 bits, ${config.preprocessing.channels === "rgb" ? "colour" : "grey"}, shorter side to ${config.preprocessing.resize} pixels (${config.preprocessing.interpolation}), centre of ${config.preprocessing.crop} x ${config.preprocessing.crop}, normalised by ImageNet’s mean and deviation.`,
        )
      : null,
    missing: full(
      `${unreadable === 0 ? "No image was unreadable" : `${plural(unreadable, "image")} could not be read and ${unreadable === 1 ? "was" : "were"} set aside`}; images without a label are not part of the set.`,
    ),
    partitions: recipe
      ? part(
          `${recipe.valFraction === null && recipe.testFraction === null ? "As the data folder or its list divides them, else at random by seed, classes in equal parts" : `At random by seed ${recipe.splitSeed ?? recipe.seed}, classes in equal parts`}${images ? `: ${images}` : ""}.`,
        )
      : null,
    disjoint: audit
      ? part(
          `By image, checked: ${leak ? leakSentence(leak) : "no copy of one film was found in two splits."} ${audit.patients ? (audit.patients.split.length === 0 ? "By patient, too." : `${plural(audit.patients.split.length, "patient")} in two splits.`) : "Whether by patient is not known."}`,
        )
      : null,
    sample: main
      ? part(
          `${plural(main.metrics.samples, "image")} in ${main.split}; how that number came about is for the authors.`,
        )
      : null,
    model: config
      ? full(
          `${architectureName(config.architecture)}: one image of ${config.preprocessing?.crop ?? "?"} x ${config.preprocessing?.crop ?? "?"} pixels in, ${plural(config.classes.length, "probability", "probabilities")} out; layers as torchvision’s, names in the model file too.`,
        )
      : null,
    software: full(
      `fracture ${config?.fracture ?? report.version}${first ? `, Node ${first.node}, sharp ${first.sharp}; device ${first.device.name}, ${first.device.driver}` : ""}.`,
    ),
    initial: config ? full(`From ${weightsOrigin(report).text}.`) : null,
    training:
      recipe && history.length > 0
        ? full(
            `${trainedFor(report)}, ${recipe.optimizer}, batches of ${recipe.batchSize}, ${recipe.augmentation ? "with" : "without"} augmentation, seed ${recipe.seed}: see Training.`,
          )
        : null,
    selected: recipe
      ? full(
          report.bestEpoch === null
            ? "The weights of the last epoch."
            : `The epoch with the best ${recipe.monitor} on the validation split: ${report.bestEpoch}.`,
        )
      : null,
    ensemble: full("None: one model."),
    measures: main
      ? full(
          "Accuracy, AUC, sensitivity, specificity, predictive values, F1, average precision, log loss, calibration error.",
        )
      : null,
    uncertainty: main
      ? full(
          `95% intervals: Wilson’s for proportions of independent images, else a bootstrap stratified by class${main.groups === null ? "" : ", over groups of related images"}.`,
        )
      : null,
    robust:
      main?.withoutCopies || report.subgroups
        ? part(
            list([
              ...(main?.withoutCopies ? ["figures with and without copies of training images"] : []),
              ...(report.subgroups ? ["figures by subgroup"] : []),
            ]).replace(/^./, (char) => char.toUpperCase()) + ".",
          )
        : null,
    explained: [...report.pictures.worstMistakes, ...report.pictures.leastCertain].some(
      ({ overlay }) => overlay !== null,
    )
      ? part("Grad-CAM heat maps of the worst mistakes and the least certain images.")
      : null,
    internal: main
      ? full(
          `On ${list([main, val].flatMap((one) => (one ? [`${one.split} (${plural(one.metrics.samples, "image")})`] : [])))}.`,
        )
      : null,
    included:
      sizes.size > 0 ? part(`Images: ${images}; ${plural(unreadable, "image")} set aside as unreadable.`) : null,
    performance: main
      ? full(
          `Accuracy ${fixed(main.metrics.accuracy)} (95% interval ${range(main.metrics.intervals.accuracy)}), AUC ${fixed(main.metrics.rocAuc)} (${range(main.metrics.intervals.rocAuc)}): see Figures.`,
        )
      : null,
    accuracy: main
      ? full(
          `Sensitivity ${fixed(main.metrics.recall)} (95% interval ${range(main.metrics.intervals.recall)}), specificity ${fixed(main.metrics.specificity)} (${range(main.metrics.intervals.specificity)}).`,
        )
      : null,
    table: main ? full("See Confusion matrix.") : null,
    failures:
      report.pictures.leastCertain.length > 0 && main
        ? part(
            `The worst of ${plural(main.metrics.samples - counts(main.metrics).right, "mistake")} and the least certain images, as pictures; why they failed is for the authors.`,
          )
        : null,
    limitations: part(`What the run itself knows: ${plural(findingsOf(report).length, "finding")}, on the first page.`),
    cutoff: main
      ? full(
          main.decision?.threshold
            ? `From a probability of ${fixed(main.decision.threshold.value)} on ${quoted(main.decision.threshold.positiveClass)} is decided for: set beforehand, on the validation split.`
            : "The larger probability decides: set beforehand.",
        )
      : null,
    masked: main ? full("The model sees the image alone, never its label or other information.") : null,
    indeterminate: main ? full("There are none: the model always decides.") : null,
    protocol: part("This report, with the command and the hashes that make the run again (Training)."),
    available: part(
      "The program is MIT; the model is best.safetensors in the run folder; images and model are for the authors to share.",
    ),
  };
}

type Known = ReturnType<typeof knownOf>;

export const claimAnswers = (known: Known): Answers => ({
  1: known.kind,
  6: known.goal,
  9: known.preprocessing,
  12: known.missing,
  19: known.partitions,
  20: known.disjoint,
  21: known.sample,
  22: known.model,
  23: known.software,
  24: known.initial,
  25: known.training,
  26: known.selected,
  27: known.ensemble,
  28: known.measures,
  29: known.uncertainty,
  30: known.robust,
  31: known.explained,
  32: known.internal,
  35: known.included,
  37: known.performance,
  38: known.accuracy,
  39: known.failures,
  40: known.limitations,
  42: known.protocol,
  43: known.available,
});

export const stardAnswers = (known: Known): Answers => ({
  "10a": known.model,
  "12a": known.cutoff,
  "13a": known.masked,
  14: known.uncertainty,
  15: known.indeterminate,
  16: known.missing,
  17: known.robust,
  18: known.sample,
  19: known.included,
  23: known.table,
  24: known.accuracy,
  26: known.limitations,
  29: known.protocol,
});
