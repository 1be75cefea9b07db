import type { SplitOutcome } from "./report.ts";

/** A picture that was hard. */
export interface HardPicture {
  readonly path: string;
  readonly label: string;
  readonly predicted: string;
  /** Of the true class, and of the one decided for. */
  readonly probability: { readonly label: number; readonly predicted: number };
}

export interface HardestPictures {
  /** Pictures told wrong, by rising probability of their true class. */
  readonly worstMistakes: readonly HardPicture[];
  /** By rising distance to another decision: of two classes to the threshold, of several between the two most probable. */
  readonly leastCertain: readonly HardPicture[];
}

/** The pictures of a split to look at first. */
export function hardestPictures(
  outcome: Pick<SplitOutcome, "classes" | "paths" | "labels" | "probabilities" | "predicted" | "decision">,
  most = 20,
): HardestPictures {
  const { classes, paths, labels, probabilities, predicted, decision } = outcome;
  const probability = (i: number, c: number): number => probabilities[i * classes.length + c]!;
  const positive = decision?.threshold ? classes.indexOf(decision.threshold.positiveClass) : -1;
  const distance = (i: number): number => {
    if (decision?.threshold) return Math.abs(probability(i, positive) - decision.threshold.value);
    const [first = 1, second = 0] = classes.map((_, c) => probability(i, c)).sort((a, b) => b - a);
    return first - second;
  };
  const take = (which: number[], by: (i: number) => number): HardPicture[] =>
    which
      .map((i) => ({ i, value: by(i) }))
      .sort((a, b) => a.value - b.value)
      .slice(0, most)
      .map(({ i }) => ({
        path: paths[i]!,
        label: classes[labels[i]!]!,
        predicted: classes[predicted[i]!]!,
        probability: { label: probability(i, labels[i]!), predicted: probability(i, predicted[i]!) },
      }));
  const all = labels.map((_, i) => i);
  const wrong = all.filter((i) => labels[i] !== predicted[i]);
  return { worstMistakes: take(wrong, (i) => probability(i, labels[i]!)), leastCertain: take(all, distance) };
}
