import { rocAuc } from "../evaluate/curves.ts";
import { wilsonInterval, type Interval } from "../evaluate/wilson.ts";

// The standard normal distribution's 97.5% quantile.
const Z = 1.959963984540054;

export interface AucEstimate {
  readonly auc: number;
  /** 95% */
  readonly interval: Interval;
}

/**
 * Area under the ROC curve with its 95% interval, where samples come in clusters (copies of one film, a patient's pictures) that say
 * less than as many independent ones. The variance is Obuchowski's (Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997),
 * which is DeLong's where every sample is its own cluster; the interval is symmetric in the logit, so that it stays within 0
 * and 1. Where nothing varies (perfect separation), Wilson's interval for as many successes as the rarer class has clusters.
 *
 * @param positive [N] is the sample of the class?
 * @param scores [N]
 * @param clusters [N] samples of one cluster have the same number
 * @returns null where there are no positives or no negatives
 */
export function clusteredAuc(
  positive: readonly boolean[],
  scores: readonly number[],
  clusters: readonly number[],
): AucEstimate | null {
  const auc = rocAuc(positive, scores);
  if (auc === null) return null;
  const placements = placementsOf(positive, scores);
  const samples = { positive: 0, negative: 0 };
  // By cluster: what its samples' placements lack of the area.
  const sums = new Map<number, { positive: number | null; negative: number | null }>();
  positive.forEach((is, i) => {
    const kind = is ? "positive" : "negative";
    samples[kind] += 1;
    const sum = sums.get(clusters[i]!) ?? { positive: null, negative: null };
    sum[kind] = (sum[kind] ?? 0) + placements[i]! - auc;
    sums.set(clusters[i]!, sum);
  });
  const all = [...sums.values()];
  const of = (kind: "positive" | "negative"): number[] => all.flatMap((sum) => sum[kind] ?? []);
  const squares = (kind: "positive" | "negative"): number => {
    const values = of(kind);
    return (unbiased(values.length) / samples[kind] ** 2) * values.reduce((sum, value) => sum + value * value, 0);
  };
  const cross = all.reduce((sum, { positive: p, negative: n }) => sum + (p ?? 0) * (n ?? 0), 0);
  const covariance = (unbiased(all.length) / (samples.positive * samples.negative)) * cross;
  const variance = squares("positive") + squares("negative") + 2 * covariance;
  return { auc, interval: intervalOf(auc, variance, Math.min(of("positive").length, of("negative").length)) };
}

const unbiased = (count: number): number => (count > 1 ? count / (count - 1) : 1);

function intervalOf(auc: number, variance: number, clusters: number): Interval {
  if (auc === 1) return wilsonInterval(clusters, clusters)!;
  if (auc === 0) return wilsonInterval(0, clusters)!;
  const logit = Math.log(auc / (1 - auc));
  const spread = (Z * Math.sqrt(Math.max(0, variance))) / (auc * (1 - auc));
  const area = (x: number): number => 1 / (1 + Math.exp(-x));
  return [area(logit - spread), area(logit + spread)];
}

/** Of each positive the share of negatives below it, of each negative the share of positives above it; ties count one half. */
function placementsOf(positive: readonly boolean[], scores: readonly number[]): number[] {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  const positives = positive.filter(Boolean).length;
  const negatives = positive.length - positives;
  const placements = scores.map(() => 0);
  let [positivesBelow, negativesBelow] = [0, 0];
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) end++;
    const tied = order.slice(start, end);
    const tiedPositives = tied.filter((i) => positive[i]).length;
    const tiedNegatives = tied.length - tiedPositives;
    for (const i of tied) {
      placements[i] = positive[i]
        ? (negativesBelow + tiedNegatives / 2) / negatives
        : (positives - positivesBelow - tiedPositives / 2) / positives;
    }
    positivesBelow += tiedPositives;
    negativesBelow += tiedNegatives;
    start = end;
  }
  return placements;
}
