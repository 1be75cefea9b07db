import type { Sink } from "../io.ts";

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;
const ERASE_LINE = "\r\u001b[2K";

/** What is being done, on stderr: one line that is updated on a terminal; elsewhere a plain line every ten seconds. */
export class Progress {
  readonly #sink: Sink;
  readonly #interval: number;
  #last = -Infinity;
  #shown = false;

  constructor(sink: Sink) {
    this.#sink = sink;
    this.#interval = sink.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  }

  /** The present state, shown if enough time has passed since the last. */
  update(text: string): void {
    const now = performance.now();
    // Elsewhere than on a terminal, work of a few seconds needs no line.
    if (this.#last === -Infinity && !this.#sink.isTTY) this.#last = now;
    if (now - this.#last < this.#interval) return;
    this.#last = now;
    if (!this.#sink.isTTY) return this.#sink.write(`${text}\n`);
    const most = Math.max(10, this.#sink.columns - 1);
    const characters = [...text];
    this.#sink.write(ERASE_LINE + (characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text));
    this.#shown = true;
  }

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    this.#sink.write(`${text}\n`);
  }

  /** Takes the updated line away. */
  clear(): void {
    if (this.#shown) this.#sink.write(ERASE_LINE);
    this.#shown = false;
    this.#last = this.#sink.isTTY ? -Infinity : performance.now();
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
