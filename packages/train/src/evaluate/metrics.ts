import { averagePrecision, rocAuc } from "./curves.ts";
import { positiveClassOf } from "./positiveClass.ts";
import { wilsonInterval, type Interval } from "./wilson.ts";

/** The labels and probabilities of a data set, in the same order. */
export interface Predictions {
  /** Class names, in the order of the probabilities. */
  classes: readonly string[];
  /** [N] class indices. */
  labels: ArrayLike<number>;
  /** [N, classes], row by row; each row sums to 1. */
  probabilities: ArrayLike<number>;
}

/** The figures of one class against all others. A sample is predicted to be of the class with the largest probability. */
export interface ClassMetrics {
  class: string;
  /** Samples of the class. */
  support: number;
  /** Samples predicted to be of the class. */
  predicted: number;
  /** Of those predicted, the share that is right; `null` where none was predicted. */
  precision: number | null;
  /** Sensitivity: of those of the class, the share that was found; `null` where there are none. */
  recall: number | null;
  /** Of those of other classes, the share that was not predicted; `null` where there are none. */
  specificity: number | null;
  /** 2 TP / (2 TP + FP + FN); `null` where the class was neither there nor predicted. */
  f1: number | null;
  /** Area under the ROC curve, one against the rest; `null` where the class or the rest is absent. */
  rocAuc: number | null;
  /** `null` where the class is absent. */
  averagePrecision: number | null;
  /** Wilson 95% intervals; `null` where the figure is. */
  intervals: { precision: Interval | null; recall: Interval | null; specificity: Interval | null };
}

export type Figures = Pick<ClassMetrics, "precision" | "recall" | "specificity" | "f1" | "rocAuc" | "averagePrecision">;

/**
 * The figures of a data set; plain data, ready for `metrics.json`. The `Figures` at the top are those of the positive class
 * where there are two classes, and the macro averages where there are more.
 */
export interface Metrics extends Figures {
  samples: number;
  classes: string[];
  /** The class that counts as the finding; `null` with more than two classes. */
  positiveClass: string | null;
  accuracy: number;
  /** Mean recall over the classes that occur. */
  balancedAccuracy: number;
  /** Mean negative log-likelihood of the true class (nats), probabilities clipped below at 2^-52. */
  logLoss: number;
  /** Wilson 95% intervals. Those of macro averages are `null`: an average of proportions is none. */
  intervals: { accuracy: Interval } & ClassMetrics["intervals"];
  /** Means over the classes for which a figure is defined; `null` where it is for none. */
  macro: Figures;
  perClass: ClassMetrics[];
  /** [true class][predicted class] counts. */
  confusionMatrix: number[][];
}

export interface MetricsOptions {
  /** Which of two classes is the positive one; by default `positiveClassOf` decides by their names. */
  positiveClass?: string;
}

/** Labels and probabilities that don't belong together. */
export class MetricsError extends Error {
  override readonly name = "MetricsError";
  /** The sample at fault, where it is one. */
  readonly sample: number | undefined;

  constructor(message: string, sample?: number) {
    super(`metrics: ${message}`);
    this.sample = sample;
  }
}

/**
 * Accuracy, precision, recall, specificity, F1, ROC AUC, average precision, log loss and the confusion matrix.
 *
 * A figure that would divide by zero is `null`, never 0 or 1: nothing was measured. Macro averages leave such classes out
 * (scikit-learn's `zero_division=np.nan`). Equal probabilities go to the class with the smaller index (numpy's argmax).
 *
 * @throws MetricsError on lengths that don't fit, no samples, labels out of range, a probability outside [0, 1], a row that
 *   doesn't sum to 1 within 1e-3, repeated class names, or a `positiveClass` that is none of two classes
 */
export function computeMetrics(predictions: Predictions, options: MetricsOptions = {}): Metrics {
  check(predictions);
  const { classes, labels, probabilities } = predictions;
  const width = classes.length;
  const samples = labels.length;
  const positive = positiveIndex(classes, options.positiveClass);

  const predicted = predictedClasses(probabilities, width);
  const confusionMatrix = classes.map(() => classes.map(() => 0));
  let right = 0;
  let logLoss = 0;
  for (let i = 0; i < samples; i++) {
    const label = at(labels, i);
    const guess = at(predicted, i);
    const row = confusionMatrix[label];
    if (row !== undefined) row[guess] = at(row, guess) + 1;
    if (label === guess) right++;
    logLoss -= Math.log(Math.max(at(probabilities, i * width + label), Number.EPSILON)) / samples;
  }

  const perClass = classes.map((_, c) => classMetrics(predictions, confusionMatrix, c));
  const macro = macroAverage(perClass);
  const chosen = positive === null ? undefined : perClass[positive];
  const figures = chosen === undefined ? macro : pickFigures(chosen);
  return {
    samples,
    classes: [...classes],
    positiveClass: positive === null ? null : (classes[positive] ?? null),
    accuracy: right / samples,
    ...figures,
    balancedAccuracy: mean(perClass.map((c) => c.recall)) ?? 0,
    logLoss,
    intervals: {
      accuracy: wilsonInterval(right, samples) ?? [0, 1],
      ...(chosen?.intervals ?? { precision: null, recall: null, specificity: null }),
    },
    macro,
    perClass,
    confusionMatrix,
  };
}

/** The class with the largest probability of each row; the first of equals. [N] from [N, classes]. */
export function predictedClasses(probabilities: ArrayLike<number>, classes: number): Int32Array {
  const predicted = new Int32Array(probabilities.length / classes);
  for (let i = 0; i < predicted.length; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (at(probabilities, i * classes + c) > at(probabilities, i * classes + best)) best = c;
    }
    predicted[i] = best;
  }
  return predicted;
}

/** Whether each sample is of class `index`, and its probability for it: what the curves are drawn from. */
export function oneVersusRest(predictions: Predictions, index: number): { positive: boolean[]; scores: number[] } {
  const { classes, labels, probabilities } = predictions;
  return {
    positive: Array.from(labels, (label) => label === index),
    scores: Array.from(labels, (_, i) => at(probabilities, i * classes.length + index)),
  };
}

function classMetrics(predictions: Predictions, confusion: number[][], c: number): ClassMetrics {
  const row = confusion[c] ?? [];
  const truePositives = at(row, c);
  const support = sum(row);
  const predicted = sum(confusion.map((counts) => at(counts, c)));
  const others = predictions.labels.length - support;
  const trueNegatives = others - (predicted - truePositives);
  const { positive, scores } = oneVersusRest(predictions, c);
  return {
    class: predictions.classes[c] ?? "",
    support,
    predicted,
    precision: ratio(truePositives, predicted),
    recall: ratio(truePositives, support),
    specificity: ratio(trueNegatives, others),
    f1: ratio(2 * truePositives, predicted + support),
    rocAuc: rocAuc(positive, scores),
    averagePrecision: averagePrecision(positive, scores),
    intervals: {
      precision: wilsonInterval(truePositives, predicted),
      recall: wilsonInterval(truePositives, support),
      specificity: wilsonInterval(trueNegatives, others),
    },
  };
}

function pickFigures(metrics: ClassMetrics): Figures {
  const { precision, recall, specificity, f1, rocAuc, averagePrecision } = metrics;
  return { precision, recall, specificity, f1, rocAuc, averagePrecision };
}

function macroAverage(perClass: readonly ClassMetrics[]): Figures {
  const over = (figure: keyof Figures) => mean(perClass.map((metrics) => metrics[figure]));
  return {
    precision: over("precision"),
    recall: over("recall"),
    specificity: over("specificity"),
    f1: over("f1"),
    rocAuc: over("rocAuc"),
    averagePrecision: over("averagePrecision"),
  };
}

function positiveIndex(classes: readonly string[], named: string | undefined): number | null {
  const [first, second, third] = classes;
  const two = first !== undefined && second !== undefined && third === undefined;
  if (named === undefined) return two ? positiveClassOf([first, second]) : null;
  const index = classes.indexOf(named);
  if (!two || index < 0) {
    throw new MetricsError(`positiveClass "${named}" must be one of two classes (classes: ${classes.join(", ")})`);
  }
  return index;
}

function check({ classes, labels, probabilities }: Predictions): void {
  const width = classes.length;
  if (width < 2) throw new MetricsError(`there must be at least 2 classes, got ${width}`);
  if (new Set(classes).size !== width) throw new MetricsError(`class names are repeated (${classes.join(", ")})`);
  if (labels.length === 0) throw new MetricsError("there are no samples");
  if (probabilities.length !== labels.length * width) {
    throw new MetricsError(
      `${labels.length} labels and ${width} classes need ${labels.length * width} probabilities, got ${probabilities.length}`,
    );
  }
  for (let i = 0; i < labels.length; i++) {
    const label = at(labels, i);
    if (!Number.isInteger(label) || label < 0 || label >= width) {
      throw new MetricsError(`sample ${i} has label ${label}, there are ${width} classes`, i);
    }
    let total = 0;
    for (let c = 0; c < width; c++) {
      const p = at(probabilities, i * width + c);
      // The upper bound leaves room for the rounding of a softmax in single precision.
      if (!(p >= 0 && p <= 1 + ROW_SUM_TOLERANCE)) {
        throw new MetricsError(`sample ${i} has probability ${p} for ${classes[c]}`, i);
      }
      total += p;
    }
    if (Math.abs(total - 1) > ROW_SUM_TOLERANCE) {
      throw new MetricsError(`the probabilities of sample ${i} sum to ${total}, not to 1`, i);
    }
  }
}

const ROW_SUM_TOLERANCE = 1e-3;

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function mean(values: readonly (number | null)[]): number | null {
  const defined = values.filter((value) => value !== null);
  return defined.length === 0 ? null : sum(defined) / defined.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

// Indices are in range: `check` saw to the lengths.
function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0;
}
