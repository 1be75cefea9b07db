import type { Sink } from "../io.ts";

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;
const ERASE_LINE = "\r\u001b[2K";
/** From the cursor to the end of the screen. */
const ERASE_BELOW = "\u001b[J";

/** What is being done, on stderr: one line that is updated on a terminal, perhaps with more below it; elsewhere a plain line every ten seconds. */
export class Progress {
  readonly #sink: Sink;
  readonly #interval: number;
  #last = -Infinity;
  #shown = false;
  /** Lines below the updated one, which the cursor is back on. */
  #below = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
    this.#interval = sink.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  }

  /**
   * The present state, shown if enough time has passed since the last.
   *
   * @param below what stands below it on a terminal of so many columns
   */
  update(text: string, below: (columns: number) => readonly string[] = () => []): void {
    const now = performance.now();
    // Elsewhere than on a terminal, work of a few seconds needs no line.
    if (this.#last === -Infinity && !this.#sink.isTTY) this.#last = now;
    if (now - this.#last < this.#interval) return;
    this.#last = now;
    if (!this.#sink.isTTY) return this.#sink.write(`${text}\n`);
    const most = Math.max(10, this.#sink.columns - 1);
    const characters = [...text];
    const lines = below(most);
    this.#sink.write(
      [
        this.#erase(),
        characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text,
        ...lines.map((line) => `\n${line}`),
        // In one write with the rest: nothing else may come between.
        lines.length > 0 ? `\u001b[${lines.length}A` : "",
      ].join(""),
    );
    this.#shown = true;
    this.#below = lines.length;
  }

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    this.#sink.write(`${text}\n`);
  }

  /** Takes the updated line away. */
  clear(): void {
    if (this.#shown) this.#sink.write(this.#erase());
    this.#below = 0;
    this.#shown = false;
    this.#last = this.#sink.isTTY ? -Infinity : performance.now();
  }

  #erase(): string {
    return this.#below > 0 ? `${ERASE_LINE}${ERASE_BELOW}` : ERASE_LINE;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
