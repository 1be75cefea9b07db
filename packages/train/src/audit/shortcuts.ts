import { positiveClassOf } from "../evaluate/positiveClass.ts";
import type { Interval } from "../evaluate/wilson.ts";
import { clusteredAuc } from "./clusteredAuc.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** How well the class can be told from something that is no bone. */
export interface Shortcut {
  /** What it is told from. */
  readonly from: string;
  /** The class that is told from the others: the finding of two, the one that is told best of more. */
  readonly class: string;
  /** Area under the ROC curve; 0.5 is chance. Null where the property is the same in every picture. */
  readonly auc: number | null;
  /** 95%, with copies of one film and pictures of one patient as one cluster each. */
  readonly interval: Interval | null;
  /** Whether the class has the larger values; null for kinds, which have no order. */
  readonly larger: boolean | null;
  /** The interval lies above `SUSPICIOUS`: a network may learn this in place of fractures. */
  readonly suspicious: boolean;
}

/** An area from which a property is worth a warning. */
export const SUSPICIOUS = 0.6;

/** Properties with an order. A picture without the property has null, and is left out. */
const MEASURES: readonly (readonly [string, (print: Fingerprint) => number | null])[] = [
  ["file size", ({ fileBytes }) => fileBytes],
  ["width", ({ width }) => width],
  ["height", ({ height }) => height],
  ["aspect (width / height)", ({ width, height }) => width / height],
  ["bytes a pixel", ({ fileBytes, width, height }) => fileBytes / (width * height)],
  ["JPEG quality", ({ jpegQuality }) => jpegQuality],
  ["mean brightness", ({ mean }) => mean],
  ["contrast (deviation)", ({ deviation }) => deviation],
  ["border brightness", ({ borderMean }) => borderMean],
];

/** Properties that only differ. */
const KINDS: readonly (readonly [string, (print: Fingerprint) => string])[] = [
  ["file format", ({ format }) => format],
  ["JPEG tables and sampling", ({ format, jpegTables }) => `${format} ${jpegTables}`],
  ["dimensions", ({ width, height }) => `${width} x ${height}`],
];

export interface LabelledPrint {
  readonly print: Fingerprint;
  readonly label: number;
  /** Pictures of one film or patient have the same number. */
  readonly cluster: number;
}

/** Each property alone as a classifier of all pictures, the most telling first. */
export function shortcutsOf(pictures: readonly LabelledPrint[], classes: readonly string[]): Shortcut[] {
  const measured = MEASURES.map(([from, of]) => ({ from, values: pictures.map(({ print }) => of(print)) }));
  const told = KINDS.map(([from, of]) => ({ from, kinds: pictures.map(({ print }) => of(print)) }));
  const of = (classIndex: number): Shortcut[] => {
    const positive = pictures.map(({ label }) => label === classIndex);
    const clusters = pictures.map(({ cluster }) => cluster);
    return [
      ...measured.map(({ from, values }) => {
        const kept = values.flatMap((value, i) => (value === null ? [] : [i]));
        const scores = kept.map((i) => values[i]!);
        return shortcut(from, classes[classIndex]!, select(positive, kept), scores, select(clusters, kept), true);
      }),
      ...told.map(({ from, kinds }) => {
        const scores = kindScores(kinds, positive, clusters);
        return shortcut(from, classes[classIndex]!, positive, scores, clusters, false);
      }),
    ];
  };
  const [first, second] = classes;
  const tables = classes.length === 2 ? [of(positiveClassOf([first!, second!]))] : classes.map((_, i) => of(i));
  const best = tables[0]!.map((_, i) =>
    tables.map((table) => table[i]!).reduce((one, other) => ((other.auc ?? 0) > (one.auc ?? 0) ? other : one)),
  );
  return best.sort((a, b) => (b.auc ?? 0) - (a.auc ?? 0));
}

const select = <T>(values: readonly T[], kept: readonly number[]): T[] => kept.map((i) => values[i]!);

function shortcut(
  from: string,
  name: string,
  positive: readonly boolean[],
  scores: readonly number[],
  clusters: readonly number[],
  ordered: boolean,
): Shortcut {
  const constant = scores.every((score) => score === scores[0]);
  const found = constant ? null : clusteredAuc(positive, scores, clusters);
  if (!found) return { from, class: name, auc: null, interval: null, larger: null, suspicious: false };
  // What has an order may be read in either direction.
  const turn = ordered && found.auc < 0.5;
  const [low, high] = found.interval;
  const interval: Interval = turn ? [1 - high, 1 - low] : [low, high];
  return {
    from,
    class: name,
    auc: turn ? 1 - found.auc : found.auc,
    interval,
    larger: ordered ? !turn : null,
    suspicious: interval[0] > SUSPICIOUS,
  };
}

const FOLDS = 5;

/**
 * A score for kinds without an order: how much more often than others a kind is of the class, among the pictures of the other four fifths
 * of the clusters. Counted among all of them, the rarest kinds would tell their own pictures' classes.
 */
function kindScores(kinds: readonly string[], positive: readonly boolean[], clusters: readonly number[]): number[] {
  const places = new Map<number, number>();
  const folds = clusters.map((cluster) => {
    const place = places.get(cluster) ?? places.size;
    places.set(cluster, place);
    return place % FOLDS;
  });
  const scores = kinds.map(() => 0);
  for (let fold = 0; fold < FOLDS; fold++) {
    const counts = new Map<string, { of: number; all: number }>();
    let [of, all] = [0, 0];
    kinds.forEach((kind, i) => {
      if (folds[i] === fold) return;
      const count = counts.get(kind) ?? { of: 0, all: 0 };
      count.of += Number(positive[i]);
      count.all += 1;
      counts.set(kind, count);
      of += Number(positive[i]);
      all += 1;
    });
    const share = all === 0 ? 0 : of / all;
    kinds.forEach((kind, i) => {
      if (folds[i] !== fold) return;
      const { of: kindOf, all: kindAll } = counts.get(kind) ?? { of: 0, all: 0 };
      // One picture of the average keeps a kind seen once from being certain.
      // Rounded, so that kinds that tell nothing are equal.
      scores[i] = Number(((kindOf - share * kindAll) / (kindAll + 1)).toFixed(9));
    });
  }
  return scores;
}
