import { decisionsOf, type Predictions } from "./predictions.ts";
import { wilsonInterval, type Interval } from "./wilson.ts";

/** How many bins of equal width calibration is judged by, as in Guo et al. */
export const CALIBRATION_BINS = 15;

export interface Temperature {
  /** Logits are divided by it. */
  readonly temperature: number;
  /** Why it is 1 where no other can be had; null where it was fitted. */
  readonly reason: string | null;
}

/**
 * Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks"): the one positive number that the logits are divided by
 * for the smallest cross-entropy. It changes no order, so no AUC and no largest class. Newton's method in f64 on 1 / temperature,
 * in which the cross-entropy is convex, kept within a bracket.
 *
 * Where every sample is right, or the logits tell less than nothing, the smallest cross-entropy lies at a temperature of zero or
 * infinity: certainty that no such data can give. The temperature is 1 then, with the reason.
 *
 * @param logits [n, classes], of samples that the weights were not trained on
 * @param labels [n]
 */
export function fitTemperature(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Temperature {
  const slope = (beta: number): { first: number; second: number } => slopes(logits, labels, classes, beta);
  if (slope(0).first >= 0)
    return { temperature: 1, reason: "the logits tell no more of the classes than chance: no temperature helps" };
  let wrong = false;
  for (let i = 0; i < labels.length && !wrong; i++) {
    const own = logits[i * classes + labels[i]!]!;
    for (let c = 0; c < classes; c++) wrong ||= logits[i * classes + c]! > own;
  }
  if (!wrong)
    return { temperature: 1, reason: "every picture is told right: how sure to be can't be learnt from that" };
  let [low, high] = [0, 1];
  while (slope(high).first < 0) [low, high] = [high, 2 * high];
  let beta = (low + high) / 2;
  for (let step = 0; step < MOST_STEPS; step++) {
    const { first, second } = slope(beta);
    if (first < 0) low = beta;
    else high = beta;
    const newton = beta - first / second;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - beta) <= 1e-14 * beta) break;
    beta = next;
  }
  return { temperature: 1 / beta, reason: null };
}

const MOST_STEPS = 200;

/** The first two derivatives of the summed cross-entropy of `beta` times the logits, by beta: E_p[z] - z_y and Var_p[z]. */
function slopes(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  beta: number,
): { first: number; second: number } {
  let [first, second] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const row = i * classes;
    let largest = -Infinity;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[row + c]!);
    let [total, mean, square] = [0, 0, 0];
    for (let c = 0; c < classes; c++) {
      const z = logits[row + c]! - largest;
      const weight = Math.exp(beta * z);
      total += weight;
      mean += weight * z;
      square += weight * z * z;
    }
    mean /= total;
    first += mean - (logits[row + labels[i]!]! - largest);
    second += square / total - mean * mean;
  }
  return { first, second };
}

/** The samples whose probability lies above `low` and not above `high`. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Null where there are none, as are the others. */
  readonly meanProbability: number | null;
  /** The share for which what was so probable is so. */
  readonly observed: number | null;
  /** Wilson's 95% interval of the observed share. */
  readonly interval: Interval | null;
}

/**
 * Probabilities against what came true, in bins of equal width: of two classes the probability of the positive one; of
 * several, of the class that was decided for.
 *
 * @param positive the positive one of two classes; null for several
 */
export function reliabilityBins(
  predictions: Predictions,
  positive: number | null,
  bins = CALIBRATION_BINS,
): ReliabilityBin[] {
  const { classes, labels, probabilities } = predictions;
  const decided = decisionsOf(predictions);
  const sums = Array.from({ length: bins }, () => ({ count: 0, probability: 0, true: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const asked = positive ?? decided[i]!;
    const p = probabilities[i * classes.length + asked]!;
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(p * bins) - 1))]!;
    bin.count += 1;
    bin.probability += p;
    if (labels[i] === asked) bin.true += 1;
  }
  return sums.map(({ count, probability, true: came }, i) => ({
    low: i / bins,
    high: (i + 1) / bins,
    count,
    meanProbability: count === 0 ? null : probability / count,
    observed: count === 0 ? null : came / count,
    interval: wilsonInterval(came, count),
  }));
}

/** Expected calibration error: the mean distance of probability and observed share over the bins, by their samples. */
export function calibrationError(bins: readonly ReliabilityBin[]): number {
  const samples = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { count, meanProbability, observed }) =>
      sum + (count / samples) * Math.abs((meanProbability ?? 0) - (observed ?? 0)),
    0,
  );
}
