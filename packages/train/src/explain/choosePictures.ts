import { hardestPictures, hardPicture, type HardPicture } from "../evaluate/hardest.ts";
import type { SplitOutcome } from "../evaluate/report.ts";

/** Why a picture is explained. */
export const EXPLAINED_KINDS = ["mistake", "uncertain", "sure"] as const;
export type ExplainedKind = (typeof EXPLAINED_KINDS)[number];

export interface ChosenPicture extends HardPicture {
  readonly kind: ExplainedKind;
}

type Outcome = Pick<
  SplitOutcome,
  "classes" | "paths" | "labels" | "probabilities" | "predicted" | "decision" | "groups"
>;

/**
 * The pictures of a split whose explanation teaches most: the worst mistakes, the least certain, and the surest that are right, in turn
 * from each class. Of pictures of one group (copies of a film, a patient's) only the first of each kind. One may be of two kinds.
 *
 * @param most of each kind
 */
export function choosePictures(outcome: Outcome, most = 6): ChosenPicture[] {
  const { worstMistakes, leastCertain } = hardestPictures(outcome, outcome.paths.length);
  const chosen = { mistake: worstMistakes, uncertain: leastCertain, sure: surest(outcome) };
  return EXPLAINED_KINDS.flatMap((kind) =>
    onePerGroup(chosen[kind], outcome)
      .slice(0, most)
      .map((picture) => ({ kind, ...picture })),
  );
}

/** Pictures that are told right, by falling probability, a class after the other. */
function surest(outcome: Outcome): HardPicture[] {
  const { classes, labels, probabilities, predicted } = outcome;
  const probability = (i: number): number => probabilities[i * classes.length + labels[i]!]!;
  const right = labels.flatMap((label, i) => (label === predicted[i] ? [i] : []));
  const ranked = right.toSorted((a, b) => probability(b) - probability(a));
  const rank = new Map<number, number>(); // place within its class
  const counts = new Map<number, number>();
  for (const i of ranked) {
    const place = counts.get(labels[i]!) ?? 0;
    rank.set(i, place);
    counts.set(labels[i]!, place + 1);
  }
  return ranked
    .toSorted((a, b) => rank.get(a)! - rank.get(b)! || labels[a]! - labels[b]!)
    .map((i) => hardPicture(outcome, i));
}

function onePerGroup(pictures: readonly HardPicture[], { paths, groups }: Outcome): readonly HardPicture[] {
  if (!groups) return pictures;
  const groupOf = new Map(paths.map((path, i) => [path, groups[i]!]));
  const seen = new Set<unknown>();
  return pictures.filter(({ path }) => {
    const group = groupOf.get(path)!;
    return !seen.has(group) && seen.add(group);
  });
}
