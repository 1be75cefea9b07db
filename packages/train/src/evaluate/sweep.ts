import { thresholdSteps } from "./curves.ts";
import { countFigures } from "./figures.ts";

/** The figures of the positive class where samples from a threshold on, and above the next one, are called positive. */
export interface SweepPoint {
  readonly threshold: number;
  readonly sensitivity: number;
  readonly specificity: number;
  readonly precision: number | null;
  readonly f1: number | null;
}

/**
 * Figures by threshold, one point a distinct score, falling: a point holds from its threshold down to just above the next. `null` where
 * there are no positives or no negatives.
 *
 * @param positive [N] is the sample of the positive class?
 * @param scores [N] its probability for that class
 */
export function thresholdSweep(positive: ArrayLike<boolean>, scores: ArrayLike<number>): SweepPoint[] | null {
  const steps = thresholdSteps(positive, scores);
  const { truePositives: positives = 0, falsePositives: negatives = 0 } = steps.at(-1) ?? {};
  if (positives === 0 || negatives === 0) return null;
  return steps.map(({ threshold, truePositives, falsePositives }) => {
    const counts = { truePositives, predicted: truePositives + falsePositives, support: positives };
    const { precision, recall, specificity, f1 } = countFigures({ ...counts, samples: positives + negatives });
    return { threshold, sensitivity: recall ?? 0, specificity: specificity ?? 0, precision, f1 };
  });
}
