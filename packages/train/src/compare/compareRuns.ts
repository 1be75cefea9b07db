import { Resampling, Spread } from "../evaluate/bootstrap.ts";
import { positiveOf } from "../evaluate/decision.ts";
import { oneVersusRest } from "../evaluate/predictions.ts";
import { rank, rankFigures } from "../evaluate/ranking.ts";
import { NORMAL_QUANTILE } from "../evaluate/studentT.ts";
import { wilsonInterval, type Interval } from "../evaluate/wilson.ts";
import { isSeedsFolder } from "../seeds/seedsFolder.ts";
import { meanDifference, type MeanDifference } from "../seeds/spread.ts";
import { readSeedsSummary } from "../seeds/summary.ts";
import { CompareError } from "./errors.ts";
import { mcnemar, type McNemar } from "./mcnemar.ts";
import { readPredictions, type PredictionFile } from "./readPredictions.ts";

/** A figure of two runs on the same pictures. */
export interface Difference {
  readonly first: number;
  readonly second: number;
  /** Second less first. */
  readonly difference: number;
  /** 95%, of the difference, from paired draws of the pictures; null where all draws agree. */
  readonly interval: Interval | null;
}

export interface Comparison {
  /** The files of predictions. */
  readonly first: string;
  readonly second: string;
  readonly samples: number;
  /** Groups of pictures of one film or patient, which the draws take whole; null where the tables name none. */
  readonly groups: number | null;
  readonly classes: readonly string[];
  /** Null for several classes: the AUC is then the mean over the classes. */
  readonly positiveClass: string | null;
  readonly accuracy: Difference & { readonly intervals: readonly [Interval, Interval] };
  /** Null where it is undefined. */
  readonly rocAuc: Difference | null;
  readonly mcnemar: McNemar;
  /**
   * Of two folders of several seeds, whose figures above are those of the mean of the runs' probabilities: how many runs each has, and the
   * differences of their mean figures, with 95% intervals over seeds. Null of anything else.
   */
  readonly seeds: {
    readonly first: number;
    readonly second: number;
    readonly accuracy: MeanDifference | null;
    readonly rocAuc: MeanDifference | null;
  } | null;
}

const RESAMPLES = 2000;

/**
 * Compares what two runs say of the same test pictures: McNemar's test of who is right where only one is, and the differences in accuracy
 * and AUC with 95% intervals by a paired, stratified bootstrap (every draw takes the same pictures of both, and those of one film or patient together).
 * McNemar's test takes every picture for independent.
 *
 * @param first a run folder, one of several seeds, a folder that `eval --out` wrote, or a `predictions.csv`
 * @throws CompareError where a table is missing or none, or the pictures, labels or classes are not the same
 */
export function compareRuns(first: string, second: string, { seed = 0 } = {}): Comparison {
  const a = readPredictions(first);
  const b = aligned(a, readPredictions(second));
  const { classes, labels } = a;
  const samples = labels.length;
  // Either table may know of films and patients that the other one was written without.
  const groups = a.groups ?? b.groups;
  const right = [a, b].map(({ predicted }) => predicted.map((guess, i) => guess === labels[i]));
  const count = (which: (i: number) => boolean): number => labels.filter((_, i) => which(i)).length;
  const correct = right.map((is) => count((i) => is[i]!));
  const positive = positiveOf(classes);
  const asked = positive === null ? classes.map((_, c) => c).filter((c) => labels.includes(c)) : [positive];
  const rankings = [a, b].map((table) =>
    asked.map((c) => {
      const { positive: mine, scores } = oneVersusRest(table, c);
      return rank(mine, scores);
    }),
  );
  const areas = (weights: ArrayLike<number>): number[] =>
    rankings.map((each) => each.reduce((sum, one) => sum + rankFigures(one, weights).rocAuc / each.length, 0));
  const [shares, auc] = [new Spread(), new Spread()];
  new Resampling(labels, { seed, groups: groups ?? undefined }).draw(RESAMPLES, (weights) => {
    const hits = right.map((is) => weights.reduce((sum, weight, i) => sum + (is[i] ? weight : 0), 0));
    shares.add((hits[1]! - hits[0]!) / samples);
    const [one, two] = areas(weights);
    auc.add(two! - one!);
  });
  const [areaA, areaB] = areas(labels.map(() => 1));
  return {
    first: a.path,
    second: b.path,
    samples,
    groups: groups && new Set(groups).size,
    classes,
    positiveClass: positive === null ? null : classes[positive]!,
    accuracy: {
      ...difference(correct[0]! / samples, correct[1]! / samples, shares),
      intervals: [wilsonInterval(correct[0]!, samples)!, wilsonInterval(correct[1]!, samples)!],
    },
    rocAuc: Number.isFinite(areaA! + areaB!) ? difference(areaA!, areaB!, auc) : null,
    mcnemar: mcnemar(
      count((i) => right[0]![i]! && !right[1]![i]!),
      count((i) => right[1]![i]! && !right[0]![i]!),
    ),
    seeds: seedsOf(first, second),
  };
}

function seedsOf(first: string, second: string): Comparison["seeds"] {
  if (![first, second].every((folder) => isSeedsFolder(folder))) return null;
  const [a, b] = [readSeedsSummary(first), readSeedsSummary(second)];
  const over = (figure: "accuracy" | "rocAuc"): MeanDifference | null =>
    meanDifference(
      a.runs.map(({ figures }) => figures[figure]),
      b.runs.map(({ figures }) => figures[figure]),
    );
  return { first: a.runs.length, second: b.runs.length, accuracy: over("accuracy"), rocAuc: over("rocAuc") };
}

/** A difference of means is normal enough where the figures themselves are not. */
function difference(first: number, second: number, { deviation }: Spread): Difference {
  const [middle, reach] = [second - first, NORMAL_QUANTILE * deviation];
  const interval: Interval | null = deviation > 0 ? [Math.max(-1, middle - reach), Math.min(1, middle + reach)] : null;
  return { first, second, difference: middle, interval };
}

/** The second table in the first one's order. */
function aligned(a: PredictionFile, b: PredictionFile): PredictionFile {
  if (a.classes.join("\0") !== b.classes.join("\0"))
    throw new CompareError(
      `the runs tell other classes apart: ${a.path} has ${a.classes.join(", ")}, ${b.path} has ${b.classes.join(", ")}`,
    );
  const places = new Map(b.names.map((name, i) => [name, i]));
  for (const table of [a, b]) {
    const seen = new Set<string>();
    const repeated = table.names.find((name) => seen.size === seen.add(name).size);
    if (repeated !== undefined) throw new CompareError(`${table.path}: has ${repeated} more than once`);
  }
  const known = new Set(a.names);
  const [onlyA, onlyB] = [a.names.filter((name) => !places.has(name)), b.names.filter((name) => !known.has(name))];
  if (onlyA.length + onlyB.length > 0)
    throw new CompareError(
      [
        `the runs were tested on other pictures, and only the same ones can be compared (evaluate both on one folder with "fracture eval --out"):`,
        ...[[a.path, onlyA] as const, [b.path, onlyB] as const].map(
          ([path, only]) =>
            `  only in ${path}: ${only.length}${only.length > 0 ? `, such as ${only.slice(0, 3).join(", ")}` : ""}`,
        ),
      ].join("\n"),
    );
  const order = a.names.map((name) => places.get(name)!);
  const labels = order.map((i) => b.labels[i]!);
  const other = labels.findIndex((label, i) => label !== a.labels[i]);
  if (other >= 0)
    throw new CompareError(
      `${a.names[other]} is "${a.classes[a.labels[other]!]}" in ${a.path}, but "${a.classes[labels[other]!]}" in ${b.path}`,
    );
  const width = a.classes.length;
  return {
    ...b,
    names: a.names,
    labels,
    predicted: order.map((i) => b.predicted[i]!),
    groups: b.groups && order.map((i) => b.groups![i]!),
    probabilities: order.flatMap((i) => b.probabilities.slice(i * width, (i + 1) * width)),
  };
}
