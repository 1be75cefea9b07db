import { formatBytes, formatCount, formatDuration, formatNumber } from "./format.ts";

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

/** How fast bytes arrive: "44.7 MiB of 97.8 MiB, 12.0 MiB/s, 4 s left". */
export class Transfer {
  #first: { readonly bytes: number; readonly at: number } | null = null;

  /** @param total null where nobody knows */
  text(received: number, total: number | null): string {
    const now = performance.now();
    this.#first ??= { bytes: received, at: now }; // what an earlier attempt left tells nothing about the speed
    const perSecond = ((received - this.#first.bytes) / (now - this.#first.at)) * 1000;
    const of = total === null ? "" : ` of ${formatBytes(total)}`;
    if (!(perSecond > 0)) return `${formatBytes(received)}${of}`;
    const left = total === null ? "" : `, ${formatDuration((total - received) / perSecond)} left`;
    return `${formatBytes(received)}${of}, ${formatBytes(Math.round(perSecond))}/s${left}`;
  }
}
