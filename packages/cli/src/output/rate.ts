import { formatCount, formatDuration, formatNumber } from "./format.ts";

/** How fast something counted goes on: "120/240 pictures, 31.2/s, 4 s left". */
export class Rate {
  readonly #noun: string;
  readonly #started = performance.now();

  /** @param noun what is counted, in the plural */
  constructor(noun: string) {
    this.#noun = noun;
  }

  text(done: number, total: number): string {
    const perSecond = (done / (performance.now() - this.#started)) * 1000;
    return [
      `${formatCount(done)}/${formatCount(total)} ${this.#noun}`,
      `${formatNumber(perSecond)}/s`,
      `${formatDuration((total - done) / perSecond)} left`,
    ].join(", ");
  }
}
