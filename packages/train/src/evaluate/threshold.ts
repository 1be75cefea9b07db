import { thresholdSteps } from "./curves.ts";

/** How a decision threshold is chosen: where sensitivity + specificity is largest, or the highest one with a wished sensitivity. */
export type ThresholdRule =
  | { readonly kind: "youden" }
  | { readonly kind: "sensitivity"; readonly sensitivity: number };

/**
 * The probability from which on a sample is called positive. It lies in the middle between the last score that is called positive and the
 * next one, so that rounding on another device moves no sample across.
 *
 * Youden (1950): of equal sums the one with the higher sensitivity, as a missed finding is worse than a false alarm.
 *
 * @param positive [n] is the sample of the positive class?
 * @param scores [n] its probability for that class, in [0, 1]
 * @returns null where there are no positives or no negatives
 */
export function chooseThreshold(
  positive: ArrayLike<boolean>,
  scores: ArrayLike<number>,
  rule: ThresholdRule,
): number | null {
  const steps = thresholdSteps(positive, scores);
  const { truePositives: positives = 0, falsePositives: negatives = 0 } = steps.at(-1) ?? {};
  if (positives === 0 || negatives === 0) return null;
  const chosen =
    rule.kind === "sensitivity"
      ? steps.findIndex(({ truePositives }) => truePositives >= rule.sensitivity * positives)
      : steps.reduce((best, step, i) => (youden(step) >= youden(steps[best]!) ? i : best), 0);
  const above = steps[chosen]!.threshold;
  const middle = (above + (steps[chosen + 1]?.threshold ?? 0)) / 2;
  return middle > 0 ? middle : above;

  /** Times positives times negatives: whole numbers, so that equals are equal. */
  function youden({ truePositives, falsePositives }: { truePositives: number; falsePositives: number }): number {
    return truePositives * negatives - falsePositives * positives;
  }
}
