import { Resampling, Spread, type ResamplingOptions } from "./bootstrap.ts";
import { countFigures, FIGURES, meanDefined, sampleLoss, type Figures } from "./figures.ts";
import { decisionsOf, oneVersusRest, type Predictions } from "./predictions.ts";
import { rank, rankFigures } from "./ranking.ts";
import { studentQuantile } from "./studentT.ts";
import { wilsonInterval, type Interval } from "./wilson.ts";

/** A 95% interval for each figure; `null` where the figure is, or where nothing can be said. */
export type FigureIntervals = Record<keyof Figures, Interval | null>;

export interface IntervalOptions extends ResamplingOptions {
  /** Draws of the bootstrap. Default: 1000, fewer for very many samples and classes. */
  readonly resamples?: number | undefined;
}

export interface Intervals {
  readonly accuracy: Interval;
  readonly balancedAccuracy: Interval | null;
  readonly logLoss: Interval | null;
  readonly perClass: readonly FigureIntervals[];
  readonly macro: FigureIntervals;
  readonly weighted: FigureIntervals;
}

/** What the intervals are about. */
export interface PointFigures {
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  readonly logLoss: number;
  readonly perClass: readonly Figures[];
  readonly macro: Figures;
  readonly weighted: Figures;
}

const DEFAULT_RESAMPLES = 1000;
const FEWEST_RESAMPLES = 200;
/** Samples times classes times draws: a second or so. */
const MOST_WORK = 4e8;

/**
 * 95% intervals. Accuracy, recall and specificity of independent samples are binomial, and theirs is Wilson's. Everything else, and
 * with groups everything, has a stratified bootstrap's standard error, taken to the scale on which the figure has no
 * end (the logit of what lies between 0 and 1, the logarithm of the loss), with Student's quantile for the smallest class's
 * number of groups: plain percentiles of the bootstrap miss far more than 5% near 1 and in small classes, and are empty at 1.
 * Where all draws agree (a figure of 0 or 1), Wilson's for as many trials as the smallest class has groups.
 *
 * Class counts count as given. docs/results.md has how often these intervals hold the truth, by simulation.
 */
export function intervalsOf(predictions: Predictions, points: PointFigures, options: IntervalOptions = {}): Intervals {
  const { classes, labels } = predictions;
  const { groups } = options;
  const resampling = new Resampling(labels, options);
  const unitsOf = (c: number): number => resampling.unitsOf.get(c) ?? 0;
  const present = [...resampling.unitsOf.values()];
  const scale = DrawnFigures.spreads(predictions, resampling, options.resamples);
  const decided = decisionsOf(predictions);

  /** Wilson's where it holds; the bootstrap's elsewhere. `which`: the trials. */
  const proportion = (
    value: number | null,
    which: (i: number) => boolean,
    deviation: number,
    least: number,
  ): Interval | null => {
    if (value === null) return null;
    const trials = Array.from(labels, (_, i) => i).filter(which);
    const units = groups === undefined ? trials.length : new Set(trials.map((i) => groups[i]!)).size;
    if (groups === undefined) return wilsonInterval(Math.round(value * units), units);
    return bounded(value, deviation, { least, freedom: least - 1, trials: units });
  };
  const perClass = classes.map((_, c): FigureIntervals => {
    const { precision, recall, specificity, f1, rocAuc, averagePrecision } = points.perClass[c]!;
    const spread = scale.perClass[c]!;
    const rest = groups === undefined ? labels.length - unitsOf(c) : groupsOfRest(labels, groups, c);
    const least = Math.min(unitsOf(c), rest);
    const given = { least, freedom: least - 1, trials: least };
    const predicted = new Set(
      Array.from(decided, (guess, i) => (guess === c ? (groups?.[i] ?? i) : -1)).filter((g) => g !== -1),
    );
    return {
      precision: bounded(precision, spread.precision, { ...given, trials: predicted.size }),
      recall: proportion(recall, (i) => labels[i] === c, spread.recall, unitsOf(c)),
      specificity: proportion(specificity, (i) => labels[i] !== c, spread.specificity, rest),
      f1: bounded(f1, spread.f1, given),
      rocAuc: bounded(rocAuc, spread.rocAuc, given),
      averagePrecision: bounded(averagePrecision, spread.averagePrecision, given),
    };
  });
  // Of a sum over classes: as many degrees as all classes have, were each as small as the smallest.
  const least = Math.min(...present);
  const together = { least, freedom: present.length * (least - 1), trials: least };
  return {
    accuracy: proportion(points.accuracy, () => true, scale.accuracy, resampling.units) ?? [0, 1],
    balancedAccuracy: bounded(points.balancedAccuracy, scale.balancedAccuracy, together),
    logLoss: positive(points.logLoss, scale.logLoss, { ...together, freedom: resampling.units - present.length }),
    perClass,
    macro: record((figure) => bounded(points.macro[figure], scale.macro[figure], together)),
    weighted: record((figure) => bounded(points.weighted[figure], scale.weighted[figure], together)),
  };
}

interface Sizes {
  /** Groups of the smallest class, whose bootstrap variance is (n - 1) / n of what it should be. */
  readonly least: number;
  readonly freedom: number;
  /** For a figure whose draws all agree. */
  readonly trials: number;
}

/** For a figure between 0 and 1. */
function bounded(value: number | null, deviation: number, { least, freedom, trials }: Sizes): Interval | null {
  if (value === null) return null;
  if (value <= 0 || value >= 1 || deviation === 0) return wilsonInterval(value * trials, trials);
  if (freedom < 1 || Number.isNaN(deviation)) return null;
  const reach = halfWidth(deviation, least, freedom) / (value * (1 - value));
  const middle = Math.log(value / (1 - value));
  const end = (x: number): number => 1 / (1 + Math.exp(-x));
  return [end(middle - reach), end(middle + reach)];
}

/** For a figure above 0 without an upper end. */
function positive(value: number, deviation: number, { least, freedom }: Sizes): Interval | null {
  if (freedom < 1 || least < 2 || !(value > 0) || !(deviation > 0)) return null;
  const factor = Math.exp(halfWidth(deviation, least, freedom) / value);
  return [value / factor, value * factor];
}

const halfWidth = (deviation: number, least: number, freedom: number): number =>
  studentQuantile(freedom) * deviation * Math.sqrt(least / Math.max(least - 1, 1));

function groupsOfRest(labels: ArrayLike<number>, groups: ArrayLike<string | number>, c: number): number {
  return new Set(Array.from(labels, (label, i) => (label === c ? null : groups[i]!)).filter((group) => group !== null))
    .size;
}

type Deviations = Record<keyof Figures, number>;

const record = <T>(make: (figure: keyof Figures) => T): Record<keyof Figures, T> =>
  Object.fromEntries(FIGURES.map((figure) => [figure, make(figure)])) as Record<keyof Figures, T>;

/** The figures of a data set whose samples count as often as they were drawn. */
class DrawnFigures {
  readonly accuracy = new Spread();
  readonly balancedAccuracy = new Spread();
  readonly logLoss = new Spread();
  readonly perClass: readonly Record<keyof Figures, Spread>[];
  readonly macro = record(() => new Spread());
  readonly weighted = record(() => new Spread());

  private constructor(classes: number) {
    this.perClass = Array.from({ length: classes }, () => record(() => new Spread()));
  }

  /** Standard deviations over the draws; NaN where there were none. */
  static spreads(predictions: Predictions, resampling: Resampling, resamples?: number) {
    const { classes, labels, probabilities } = predictions;
    const drawn = new DrawnFigures(classes.length);
    const affordable = Math.floor(MOST_WORK / (labels.length * classes.length));
    const count = resamples ?? (affordable < FEWEST_RESAMPLES ? 0 : Math.min(DEFAULT_RESAMPLES, affordable));
    const decided = Int32Array.from(decisionsOf(predictions));
    const losses = Float64Array.from(labels, (label, i) => sampleLoss(probabilities[i * classes.length + label]!));
    const rankings = classes.map((_, c) => {
      const { positive: mine, scores } = oneVersusRest(predictions, c);
      return rank(mine, scores);
    });
    resampling.draw(count, (weights) => drawn.#add(weights, { labels, decided, losses, rankings }));
    const deviations = (of: Record<keyof Figures, Spread>): Deviations => record((figure) => of[figure].deviation);
    return {
      accuracy: drawn.accuracy.deviation,
      balancedAccuracy: drawn.balancedAccuracy.deviation,
      logLoss: drawn.logLoss.deviation,
      perClass: drawn.perClass.map(deviations),
      macro: deviations(drawn.macro),
      weighted: deviations(drawn.weighted),
    };
  }

  #add(
    weights: Uint32Array,
    data: {
      labels: ArrayLike<number>;
      decided: Int32Array;
      losses: Float64Array;
      rankings: readonly ReturnType<typeof rank>[];
    },
  ): void {
    const { labels, decided, losses, rankings } = data;
    const counts = rankings.map(() => ({ truePositives: 0, predicted: 0, support: 0 }));
    let [samples, right, loss] = [0, 0, 0];
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!;
      if (weight === 0) continue;
      samples += weight;
      counts[labels[i]!]!.support += weight;
      counts[decided[i]!]!.predicted += weight;
      loss += weight * losses[i]!;
      if (labels[i] !== decided[i]) continue;
      right += weight;
      counts[labels[i]!]!.truePositives += weight;
    }
    const figures = rankings.map((ranking, c): Figures => ({
      ...countFigures({ ...counts[c]!, samples }),
      ...defined(rankFigures(ranking, weights)),
    }));
    this.accuracy.add(right / samples);
    this.logLoss.add(loss / samples);
    this.balancedAccuracy.add(meanDefined(figures.map(({ recall }) => recall)) ?? NaN);
    const supports = counts.map(({ support }) => support);
    for (const figure of FIGURES) {
      figures.forEach((values, c) => this.perClass[c]![figure].add(values[figure] ?? NaN));
      const values = figures.map((of) => of[figure]);
      this.macro[figure].add(meanDefined(values) ?? NaN);
      this.weighted[figure].add(meanDefined(values, supports) ?? NaN);
    }
  }
}

const defined = ({
  rocAuc,
  averagePrecision,
}: ReturnType<typeof rankFigures>): Pick<Figures, "rocAuc" | "averagePrecision"> => ({
  rocAuc: Number.isFinite(rocAuc) ? rocAuc : null,
  averagePrecision: Number.isFinite(averagePrecision) ? averagePrecision : null,
});
