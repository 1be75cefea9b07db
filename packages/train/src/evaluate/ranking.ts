/** The samples of a data set by falling score, one class against the rest. */
export interface Ranking {
  /** [N] sample indices. */
  readonly order: Int32Array;
  /** [N] 1 where the next sample has another score: ties are one step. */
  readonly last: Uint8Array;
  /** [N] 1 for the class, in the ranks' order. */
  readonly positive: Uint8Array;
}

export function rank(positive: ArrayLike<boolean>, scores: ArrayLike<number>): Ranking {
  const order = Int32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  return {
    order,
    last: Uint8Array.from(order, (sample, i) =>
      i + 1 < order.length && scores[order[i + 1]!] === scores[sample] ? 0 : 1,
    ),
    positive: Uint8Array.from(order, (sample) => (positive[sample] ? 1 : 0)),
  };
}

/**
 * `rocAuc` and `averagePrecision` of samples that count as often as their weights say, in one walk over a ranking made once: what
 * a bootstrap asks for a thousand times. NaN where a figure is undefined.
 *
 * @param weights [N] how often each sample is there
 */
export function rankFigures(
  { order, last, positive }: Ranking,
  weights: ArrayLike<number>,
): { rocAuc: number; averagePrecision: number } {
  let [truePositives, falsePositives] = [0, 0];
  let [stepTrue, stepFalse] = [0, 0];
  let [twiceU, precisions] = [0, 0];
  for (let i = 0; i < order.length; i++) {
    const weight = weights[order[i]!]!;
    if (positive[i]) stepTrue += weight;
    else stepFalse += weight;
    if (!last[i]) continue;
    // The negatives of a step lose to the positives above it, and tie with those in it.
    twiceU += stepFalse * (2 * truePositives + stepTrue);
    truePositives += stepTrue;
    falsePositives += stepFalse;
    if (stepTrue > 0) precisions += (stepTrue * truePositives) / (truePositives + falsePositives);
    stepTrue = stepFalse = 0;
  }
  return { rocAuc: twiceU / (2 * truePositives * falsePositives), averagePrecision: precisions / truePositives };
}
