/** A step of the sweep. */
export interface RatePoint {
  readonly lr: number;
  /** Of the batch; not finite where training broke down. */
  readonly loss: number;
  /** Exponential mean of the losses so far. */
  readonly smoothed: number;
}

/** Rates that the sweep speaks for, each by the rule that users of fastai know it by; null where the sweep says nothing. */
export interface RateSuggestions {
  /** About two thirds down the longest valley of the smoothed loss: the one to begin with. */
  readonly valley: number | null;
  /** Where the smoothed loss falls steepest, by the rate's logarithm. */
  readonly steep: number | null;
  /** A tenth of that with the least smoothed loss. */
  readonly minimum: number | null;
}

/** The smoothed loss is a mean over about so many steps, unbiased from the first (fastai's Recorder: beta = 0.98). */
const BETA = 0.98;
/** The sweep has diverged where the smoothed loss is so many times the best. */
const DIVERGED = 4;
/** Points at the end that the suggestions leave out: there training breaks down. */
const LAST_LEFT_OUT = 5;
/** Of the planned steps at the beginning, while the mean settles. */
const FIRST_LEFT_OUT = 0.1;

/** Smooths losses as they come, and says when to stop. */
export class SmoothedLoss {
  #mean = 0;
  #weight = 0;
  #best = Infinity;

  /** The smoothed loss with one more. */
  add(loss: number): number {
    this.#mean = BETA * this.#mean + (1 - BETA) * loss;
    this.#weight = BETA * this.#weight + (1 - BETA);
    const smoothed = this.#mean / this.#weight;
    this.#best = Math.min(this.#best, smoothed);
    return smoothed;
  }

  /** Whether the loss has left all bounds. */
  diverged(smoothed: number): boolean {
    return !(smoothed <= DIVERGED * this.#best);
  }
}

/** The rate of step `i` of so many: from `from` to `to`, in equal ratios. */
export const sweptRate = (i: number, steps: number, from: number, to: number): number =>
  from * (to / from) ** (i / Math.max(1, steps - 1));

/**
 * What a sweep of so many planned steps suggests (Smith 2015, arXiv:1506.01186; the rules are fastai's `valley`, `steep` and `minimum`, with what
 * its `lr_find` leaves out at both ends).
 */
export function suggestRates(points: readonly RatePoint[], steps: number): RateSuggestions {
  const kept = points.slice(Math.floor(steps * FIRST_LEFT_OUT), Math.max(0, points.length - LAST_LEFT_OUT));
  const finite = kept.filter(({ smoothed }) => Number.isFinite(smoothed));
  if (finite.length < 3) return { valley: null, steep: null, minimum: null };
  const [rates, losses] = [finite.map(({ lr }) => lr), finite.map(({ smoothed }) => smoothed)];
  return { valley: valley(rates, losses), steep: steepest(rates, losses), minimum: least(rates, losses) / 10 };
}

/** The longest falling subsequence is the valley; null where the loss never falls. */
function valley(rates: readonly number[], losses: readonly number[]): number | null {
  const lengths: number[] = [];
  let end = 0;
  losses.forEach((loss, i) => {
    lengths[i] = losses
      .slice(0, i)
      .reduce((most, before, j) => (loss < before ? Math.max(most, lengths[j]! + 1) : most), 1);
    if (lengths[i]! > lengths[end]!) end = i;
  });
  if (lengths[end] === 1) return null;
  const start = end - lengths[end]!;
  const third = (end - start) / 3;
  return rates[Math.max(0, start + Math.floor(third) + Math.floor(third / 2))]!;
}

function steepest(rates: readonly number[], losses: readonly number[]): number | null {
  let [best, at] = [0, -1];
  for (let i = 0; i + 1 < rates.length; i++) {
    const slope = (losses[i + 1]! - losses[i]!) / Math.log(rates[i + 1]! / rates[i]!);
    if (slope < best) [best, at] = [slope, i];
  }
  return rates[at] ?? null;
}

const least = (rates: readonly number[], losses: readonly number[]): number =>
  rates[losses.indexOf(Math.min(...losses))]!;
