/** Sorts samples by falling score and walks over them one distinct score at a time: ties are one step. */
export function thresholdSteps(positive: ArrayLike<boolean>, scores: ArrayLike<number>): ThresholdStep[] {
  const order = Array.from(scores, (_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const steps: ThresholdStep[] = [];
  let truePositives = 0;
  let falsePositives = 0;
  order.forEach((sample, rank) => {
    if (positive[sample]) truePositives++;
    else falsePositives++;
    const threshold = scores[sample] ?? 0;
    const next = order[rank + 1];
    if (next === undefined || scores[next] !== threshold) steps.push({ threshold, truePositives, falsePositives });
  });
  return steps;
}

interface ThresholdStep {
  threshold: number;
  /** Positives scored at or above the threshold. */
  truePositives: number;
  falsePositives: number;
}

export interface RocPoint {
  /** Samples scored at or above it are called positive; `null` at (0, 0), where none is. */
  threshold: number | null;
  falsePositiveRate: number;
  truePositiveRate: number;
}

/**
 * The ROC curve from (0, 0) to (1, 1), without the points that lie on a straight line between their neighbours (as
 * scikit-learn's `roc_curve`). `null` where there are no positives or no negatives.
 *
 * @param positive [N] is the sample of the positive class?
 * @param scores [N] its score or probability for that class
 */
export function rocCurve(positive: ArrayLike<boolean>, scores: ArrayLike<number>): RocPoint[] | null {
  const steps = thresholdSteps(positive, scores);
  const { truePositives: positives = 0, falsePositives: negatives = 0 } = steps.at(-1) ?? {};
  if (positives === 0 || negatives === 0) return null;
  const corners = steps.filter((step, i) => {
    const before = steps[i - 1];
    const after = steps[i + 1];
    // As scikit-learn, the first step is never dropped: the line from (0, 0) to it is not looked at.
    if (before === undefined || after === undefined) return true;
    return (
      after.truePositives - 2 * step.truePositives + before.truePositives !== 0 ||
      after.falsePositives - 2 * step.falsePositives + before.falsePositives !== 0
    );
  });
  const points = corners.map(({ threshold, truePositives, falsePositives }) => ({
    threshold,
    falsePositiveRate: falsePositives / negatives,
    truePositiveRate: truePositives / positives,
  }));
  return [{ threshold: null, falsePositiveRate: 0, truePositiveRate: 0 }, ...points];
}

/** A point of the mean of several ROC curves, which has no threshold: each class has its own. */
export type MeanRocPoint = Omit<RocPoint, "threshold">;

/**
 * The mean of the classes' ROC curves, each against the rest: at every false positive rate the mean of their true positive
 * rates (scikit-learn's "macro-averaged one-vs-rest"), on both sides of each step, so that the area under it is the mean of
 * the areas.
 *
 * @param curves at least one
 */
export function meanRocCurve(curves: readonly (readonly MeanRocPoint[])[]): MeanRocPoint[] {
  const rates = [...new Set(curves.flatMap((curve) => curve.map((p) => p.falsePositiveRate)))].sort((a, b) => a - b);
  const sides = curves.map((curve) => {
    // Both walk along the curve with the rates: the first point not below a rate, and the last one not above it.
    let [next, last] = [0, 0];
    return rates.map((rate) => {
      while (curve[next]!.falsePositiveRate < rate) next++;
      while (last + 1 < curve.length && curve[last + 1]!.falsePositiveRate <= rate) last++;
      const between = interpolated(curve[last]!, curve[next]!, rate);
      const here = curve[next]!.falsePositiveRate === rate;
      return here ? [curve[next]!.truePositiveRate, curve[last]!.truePositiveRate] : [between, between];
    });
  });
  const points = rates.flatMap((falsePositiveRate, i) =>
    [0, 1].map((side) => ({
      falsePositiveRate,
      truePositiveRate: sides.reduce((sum, each) => sum + each[i]![side]! / sides.length, 0),
    })),
  );
  return points.filter((p, i) => i === 0 || p.truePositiveRate !== points[i - 1]!.truePositiveRate || i % 2 === 0);
}

/** The height at `rate` of the line between two points. */
function interpolated(from: MeanRocPoint, to: MeanRocPoint, rate: number): number {
  const width = to.falsePositiveRate - from.falsePositiveRate;
  const share = width === 0 ? 0 : (rate - from.falsePositiveRate) / width;
  return from.truePositiveRate + share * (to.truePositiveRate - from.truePositiveRate);
}

/**
 * Area under the ROC curve: the probability that a positive sample scores above a negative one, a tie counting one half
 * (Mann-Whitney's U / (positives · negatives)). `null` where there are no positives or no negatives.
 */
export function rocAuc(positive: ArrayLike<boolean>, scores: ArrayLike<number>): number | null {
  const steps = thresholdSteps(positive, scores);
  const { truePositives: positives = 0, falsePositives: negatives = 0 } = steps.at(-1) ?? {};
  if (positives === 0 || negatives === 0) return null;
  // Twice U, so that every term is an integer and the sum exact.
  let twiceU = 0;
  let before: ThresholdStep = { threshold: Infinity, truePositives: 0, falsePositives: 0 };
  for (const step of steps) {
    // The negatives of this step lose to the positives above it, and tie with the positives in it.
    twiceU += (step.falsePositives - before.falsePositives) * (step.truePositives + before.truePositives);
    before = step;
  }
  return twiceU / (2 * positives * negatives);
}

export interface PrecisionRecallPoint {
  threshold: number;
  recall: number;
  precision: number;
}

/** Precision and recall at every distinct score, by rising recall. `null` where there are no positives. */
export function precisionRecallCurve(
  positive: ArrayLike<boolean>,
  scores: ArrayLike<number>,
): PrecisionRecallPoint[] | null {
  const steps = thresholdSteps(positive, scores);
  const positives = steps.at(-1)?.truePositives ?? 0;
  if (positives === 0) return null;
  return steps.map(({ threshold, truePositives, falsePositives }) => ({
    threshold,
    recall: truePositives / positives,
    precision: truePositives / (truePositives + falsePositives),
  }));
}

/**
 * Average precision: the precisions weighted by the recall that each threshold adds, without interpolation (as
 * scikit-learn's `average_precision_score`). `null` where there are no positives.
 */
export function averagePrecision(positive: ArrayLike<boolean>, scores: ArrayLike<number>): number | null {
  const curve = precisionRecallCurve(positive, scores);
  if (curve === null) return null;
  let sum = 0;
  let recallBefore = 0;
  for (const { recall, precision } of curve) {
    sum += (recall - recallBefore) * precision;
    recallBefore = recall;
  }
  return sum;
}
