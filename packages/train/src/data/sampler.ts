import { draw } from "./draws.ts";

/**
 * The samples of an epoch (counted from 0), in the order in which they are trained on, by their places in the files' order. A pure
 * function of the epoch, so that a run that is resumed in the middle of one goes on with the same samples. A sampler may
 * leave samples out or repeat them.
 */
export type Order = (epoch: number) => readonly number[];

/** Every sample once, in the files' order, in every epoch: `--no-shuffle`. */
export function filesOrder(count: number): Order {
  const order = identity(count);
  return () => order;
}

/** Every sample once, in another order in every epoch (Fisher and Yates' shuffle): a pure function of (seed, epoch). */
export function shuffledOrder(count: number, seed: number): Order {
  return (epoch) => {
    const order = identity(count);
    let numbers: readonly number[] = [];
    for (let i = count - 1, n = 0; i > 0; i--, n++) {
      if (n % 4 === 0) numbers = draw("shuffle", { seed, epoch, sample: 0 }, n / 4);
      const other = Math.floor(numbers[n % 4]! * (i + 1));
      [order[i], order[other]] = [order[other]!, order[i]!];
    }
    return order;
  };
}

/**
 * As many samples as there are, drawn with replacement, each class as likely as any other (torch's WeightedRandomSampler with 1 / samples of the class
 * as weights): a pure function of (seed, epoch). Some samples come several times in an epoch, some in later ones.
 *
 * @param labels [n] class indices
 */
export function balancedOrder(labels: ArrayLike<number>, seed: number): Order {
  const classes = [...new Set(Array.from(labels))]
    .toSorted((a, b) => a - b)
    .map((label) => identity(labels.length).filter((i) => labels[i] === label));
  return (epoch) =>
    Array.from({ length: labels.length }, (_, i) => {
      const numbers = draw("sample", { seed, epoch, sample: 0 }, Math.floor(i / 2));
      const [which, member] = [numbers[(i % 2) * 2]!, numbers[(i % 2) * 2 + 1]!];
      const members = classes[Math.floor(which * classes.length)]!;
      return members[Math.floor(member * members.length)]!;
    });
}

/** The order that a recipe asks for. */
export function orderOf(
  {
    sampler,
    shuffle,
    seed,
  }: { readonly sampler: "all" | "balanced"; readonly shuffle: boolean; readonly seed: number },
  labels: ArrayLike<number>,
): Order {
  if (sampler === "balanced") return balancedOrder(labels, seed);
  return shuffle ? shuffledOrder(labels.length, seed) : filesOrder(labels.length);
}

const identity = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
