import { averagePrecision, rocAuc } from "./curves.ts";
import { countFigures, FIGURES, meanDefined, sampleLoss, type Figures } from "./figures.ts";
import { intervalsOf, type FigureIntervals, type IntervalOptions } from "./intervals.ts";
import { positiveClassOf } from "./positiveClass.ts";
import { checkPredictions, decisionsOf, MetricsError, oneVersusRest, type Predictions } from "./predictions.ts";
import type { Interval } from "./wilson.ts";

/** The figures of one class against all others. */
export interface ClassMetrics extends Figures {
  class: string;
  /** Samples of the class. */
  support: number;
  /** Samples predicted to be of the class. */
  predicted: number;
  /** 95% intervals (intervals.ts says of which kind); `null` where the figure is. */
  intervals: FigureIntervals;
}

/** Means of the classes' figures. */
export interface Averages extends Figures {
  intervals: FigureIntervals;
}

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
  /** 95% intervals of the figures at the top; `null` where a figure is, or where there is too little to say (intervals.ts). */
  intervals: { accuracy: Interval; balancedAccuracy: Interval | null; logLoss: Interval | null } & FigureIntervals;
  /** Means over the classes for which a figure is defined, all classes alike; `null` where it is for none. */
  macro: Averages;
  /** The same, each class as often as it has samples. */
  weighted: Averages;
  perClass: ClassMetrics[];
  /** [true class][predicted class] counts. */
  confusionMatrix: number[][];
}

export interface MetricsOptions extends IntervalOptions {
  /** Which of two classes is the positive one; by default `positiveClassOf` decides by their names. */
  positiveClass?: string;
}

/**
 * Accuracy, precision, recall, specificity, F1, ROC AUC, average precision, log loss and the confusion matrix.
 *
 * A figure that would divide by zero is `null`, never 0 or 1: nothing was measured. Averages leave such classes out
 * (scikit-learn's `zero_division=np.nan`). Equal probabilities go to the class with the smaller index (numpy's argmax).
 *
 * @throws MetricsError on lengths that don't fit, no samples, labels out of range, a probability outside [0, 1], a row that
 *   doesn't sum to 1 within 1e-3, repeated class names,
 *   predicted classes out of range, or a `positiveClass` that is none of two classes
 */
export function computeMetrics(predictions: Predictions, options: MetricsOptions = {}): Metrics {
  checkPredictions(predictions);
  const { classes, labels, probabilities } = predictions;
  const width = classes.length;
  const samples = labels.length;
  const positive = positiveIndex(classes, options.positiveClass);

  const predicted = decisionsOf(predictions);
  const confusionMatrix = classes.map(() => classes.map(() => 0));
  let right = 0;
  let logLoss = 0;
  for (let i = 0; i < samples; i++) {
    const label = labels[i]!;
    confusionMatrix[label]![predicted[i]!]! += 1;
    if (label === predicted[i]) right++;
    logLoss += sampleLoss(probabilities[i * width + label]!) / samples;
  }

  const classFigures = classes.map((_, c) => figuresOf(predictions, confusionMatrix, c));
  const macro = averageOf(classFigures);
  const weighted = averageOf(
    classFigures,
    classFigures.map(({ support }) => support),
  );
  const accuracy = right / samples;
  const balancedAccuracy = meanDefined(classFigures.map(({ recall }) => recall)) ?? 0;
  const points = { accuracy, balancedAccuracy, logLoss, perClass: classFigures, macro, weighted };
  const intervals = intervalsOf(predictions, points, options);
  return {
    samples,
    classes: [...classes],
    positiveClass: positive === null ? null : classes[positive]!,
    accuracy,
    ...(positive === null ? macro : pickFigures(classFigures[positive]!)),
    balancedAccuracy,
    logLoss,
    intervals: {
      accuracy: intervals.accuracy,
      balancedAccuracy: intervals.balancedAccuracy,
      logLoss: intervals.logLoss,
      ...(positive === null ? intervals.macro : intervals.perClass[positive]!),
    },
    macro: { ...macro, intervals: intervals.macro },
    weighted: { ...weighted, intervals: intervals.weighted },
    perClass: classFigures.map((figures, c) => ({ ...figures, intervals: intervals.perClass[c]! })),
    confusionMatrix,
  };
}

function figuresOf(predictions: Predictions, confusion: number[][], c: number): Omit<ClassMetrics, "intervals"> {
  const truePositives = confusion[c]![c]!;
  const support = sum(confusion[c]!);
  const predicted = sum(confusion.map((counts) => counts[c]!));
  const { positive, scores } = oneVersusRest(predictions, c);
  return {
    class: predictions.classes[c]!,
    support,
    predicted,
    ...countFigures({ truePositives, predicted, support, samples: predictions.labels.length }),
    rocAuc: rocAuc(positive, scores),
    averagePrecision: averagePrecision(positive, scores),
  };
}

const averageOf = (classes: readonly Figures[], weights?: readonly number[]): Figures =>
  Object.fromEntries(
    FIGURES.map((figure) => [
      figure,
      meanDefined(
        classes.map((of) => of[figure]),
        weights,
      ),
    ]),
  ) as unknown as Figures;

const pickFigures = (of: Figures): Figures =>
  Object.fromEntries(FIGURES.map((figure) => [figure, of[figure]])) as unknown as Figures;

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

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
