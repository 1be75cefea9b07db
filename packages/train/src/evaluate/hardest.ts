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

type Outcome = Pick<SplitOutcome, "classes" | "paths" | "labels" | "probabilities" | "predicted">;

/** A picture of a split, by its index there. */
export function hardPicture({ classes, paths, labels, probabilities, predicted }: Outcome, i: number): HardPicture {
  const [label, said] = [labels[i]!, predicted[i]!];
  const probability = (c: number): number => probabilities[i * classes.length + c]!;
  return {
    path: paths[i]!,
    label: classes[label]!,
    predicted: classes[said]!,
    probability: { label: probability(label), predicted: probability(said) },
  };
}

/** The pictures of a split to look at first. */
export function hardestPictures(outcome: Outcome & Pick<SplitOutcome, "decision">, most = 20): HardestPictures {
  const { classes, labels, probabilities, predicted, decision } = outcome;
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
      .map(({ i }) => hardPicture(outcome, i));
  const all = labels.map((_, i) => i);
  const wrong = all.filter((i) => labels[i] !== predicted[i]);
  return { worstMistakes: take(wrong, (i) => probability(i, labels[i]!)), leastCertain: take(all, distance) };
}
