/** The figures of one class against all others. */
export interface Figures {
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
}

export const FIGURES = [
  "precision",
  "recall",
  "specificity",
  "f1",
  "rocAuc",
  "averagePrecision",
] as const satisfies readonly (keyof Figures)[];

/** Samples of a class, those predicted to be of it, those that are both, and all there are. */
export interface Counts {
  readonly truePositives: number;
  readonly predicted: number;
  readonly support: number;
  readonly samples: number;
}

/** The figures that follow from counts. */
export function countFigures({
  truePositives,
  predicted,
  support,
  samples,
}: Counts): Pick<Figures, "precision" | "recall" | "specificity" | "f1"> {
  const others = samples - support;
  return {
    precision: ratio(truePositives, predicted),
    recall: ratio(truePositives, support),
    specificity: ratio(others - (predicted - truePositives), others),
    f1: ratio(2 * truePositives, predicted + support),
  };
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** Over those that are defined, each as often as its weight says; `null` where none is. Default: all alike. */
export function meanDefined(values: readonly (number | null)[], weights?: readonly number[]): number | null {
  let [total, whole] = [0, 0];
  values.forEach((value, i) => {
    if (value === null) return;
    const weight = weights === undefined ? 1 : weights[i]!;
    total += weight * value;
    whole += weight;
  });
  return ratio(total, whole);
}

/** Smallest probability that counts as such: a true class with less costs no more than this. */
const LEAST_PROBABILITY = Number.EPSILON;

/** The loss of a sample whose true class has this probability (nats). */
export const sampleLoss = (probability: number): number => -Math.log(Math.max(probability, LEAST_PROBABILITY));
