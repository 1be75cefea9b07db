import { formatBytes, formatCount, formatDuration, formatNumber } from "./format.ts";

/** A speed over less time than this would only alarm. */
const MEANINGFUL_SECONDS = 0.5;

/** How fast something counted goes on: "120/240 pictures, 31.2/s, 4 s left". */
export class Rate {
  readonly #noun: string;
  readonly #started = performance.now();

  /** @param noun what is counted, in the plural */
  constructor(noun: string) {
    this.#noun = noun;
  }

  text(done: number, total: number): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const counts = `${formatCount(done)}/${formatCount(total)} ${this.#noun}`;
    if (seconds < MEANINGFUL_SECONDS) return counts;
    const perSecond = done / seconds;
    return `${counts}, ${formatNumber(perSecond)}/s, ${formatDuration((total - done) / perSecond)} left`;
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
