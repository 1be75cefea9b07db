/** The labels and probabilities of a data set, in the same order. */
export interface Predictions {
  /** Class names, in the order of the probabilities. */
  classes: readonly string[];
  /** [N] class indices. */
  labels: ArrayLike<number>;
  /** [N, classes], row by row; each row sums to 1. */
  probabilities: ArrayLike<number>;
  /** [N] class indices that were decided for. Default: the class with the largest probability of each row. */
  predicted?: ArrayLike<number>;
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

/** The class with the largest probability of each row; the first of equals. [N] from [N, classes]. */
export function predictedClasses(probabilities: ArrayLike<number>, classes: number): Int32Array {
  const predicted = new Int32Array(probabilities.length / classes);
  for (let i = 0; i < predicted.length; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (probabilities[i * classes + c]! > probabilities[i * classes + best]!) best = c;
    }
    predicted[i] = best;
  }
  return predicted;
}

/** What was decided for each sample: [N] class indices. */
export const decisionsOf = ({ predicted, probabilities, classes }: Predictions): ArrayLike<number> =>
  predicted ?? predictedClasses(probabilities, classes.length);

/** Whether each sample is of class `index`, and its probability for it: what the curves are drawn from. */
export function oneVersusRest(predictions: Predictions, index: number): { positive: boolean[]; scores: number[] } {
  const { classes, labels, probabilities } = predictions;
  return {
    positive: Array.from(labels, (label) => label === index),
    scores: Array.from(labels, (_, i) => probabilities[i * classes.length + index]!),
  };
}

/** @throws MetricsError on what `computeMetrics` says */
export function checkPredictions({ classes, labels, probabilities, predicted }: Predictions): void {
  const width = classes.length;
  if (width < 2) throw new MetricsError(`there must be at least 2 classes, got ${width}`);
  if (new Set(classes).size !== width) throw new MetricsError(`class names are repeated (${classes.join(", ")})`);
  if (labels.length === 0) throw new MetricsError("there are no samples");
  if (probabilities.length !== labels.length * width) {
    throw new MetricsError(
      `${labels.length} labels and ${width} classes need ${labels.length * width} probabilities, got ${probabilities.length}`,
    );
  }
  if (predicted !== undefined && predicted.length !== labels.length)
    throw new MetricsError(`${labels.length} labels need as many predicted classes, got ${predicted.length}`);
  const isClass = (index: number): boolean => Number.isInteger(index) && index >= 0 && index < width;
  for (let i = 0; i < labels.length; i++) {
    if (!isClass(labels[i]!))
      throw new MetricsError(`sample ${i} has label ${labels[i]}, there are ${width} classes`, i);
    if (predicted !== undefined && !isClass(predicted[i]!))
      throw new MetricsError(`sample ${i} is predicted to be ${predicted[i]}, there are ${width} classes`, i);
    let total = 0;
    for (let c = 0; c < width; c++) {
      const p = probabilities[i * width + c]!;
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
