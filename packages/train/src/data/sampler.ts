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

const identity = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
