import type { Io } from "../io.ts";

const ROWS = 5;
/** A terminal that is narrower shows no curve. */
const LEAST_COLUMNS = 32;
const MOST_COLUMNS = 72;
/** Means that are held; where there are more steps, each stands for more of them. */
const MOST_MEANS = 1024;
/** A braille character's dots by column and row from the top: bits of U+2800 (Unicode 16, chapter 21.1). */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const [BLUE, ORANGE, PLAIN] = ["\u001b[34m", "\u001b[33m", "\u001b[39m"];

interface Mean {
  sum: number;
  count: number;
}

/** The losses of a run, as a small chart of text: training as a line of braille dots, validation as a mark an epoch. */
export class LossCurve {
  readonly #colours: boolean;
  /** Steps that one mean stands for. */
  #span = 1;
  #means: Mean[] = [];
  #steps = 0;
  readonly #val: { readonly step: number; readonly loss: number }[] = [];

  constructor({ colours = false }: { readonly colours?: boolean } = {}) {
    this.#colours = colours;
  }

  /** For stderr, where a person watches a terminal that can show one; else null. NO_COLOR is respected (no-color.org). */
  static for({ stderr, env }: Pick<Io, "stderr" | "env">): LossCurve | null {
    const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
    const draws = locale === "" || /utf-?8/i.test(locale);
    if (!stderr.isTTY || env["TERM"] === "dumb" || !draws) return null;
    return new LossCurve({ colours: !env["NO_COLOR"] });
  }

  /** A step's training loss. One that is not finite is left out. */
  addStep(loss: number): void {
    this.#steps += 1;
    if (this.#steps > this.#span * MOST_MEANS) {
      this.#span *= 2;
      this.#means = this.#means.flatMap((mean, i) => (i % 2 === 0 ? [joined(mean, this.#means[i + 1])] : []));
    }
    const mean = (this.#means[Math.floor((this.#steps - 1) / this.#span)] ??= { sum: 0, count: 0 });
    if (!Number.isFinite(loss)) return;
    mean.sum += loss;
    mean.count += 1;
  }

  /** An epoch's validation loss, after its last step. */
  addValidation(loss: number): void {
    if (Number.isFinite(loss)) this.#val.push({ step: this.#steps, loss });
  }

  /** The chart in so many columns; no lines where there is too little to show, or too little room. */
  lines(columns: number): string[] {
    const low = this.#extreme(Math.min);
    const high = this.#extreme(Math.max);
    if (columns < LEAST_COLUMNS || this.#steps < 2 || !Number.isFinite(low) || !Number.isFinite(high)) return [];
    const [top, bottom] = [high.toFixed(3), low.toFixed(3)];
    const labels = Math.max(top.length, bottom.length);
    const width = Math.min(MOST_COLUMNS, columns - labels - 2);
    const cells = this.#draw(width, low, high);
    const lines = cells.map((row, y) => {
      const label = y === 0 ? top : y === ROWS - 1 ? bottom : "";
      return `${label.padStart(labels)} ${label === "" ? "│" : "┤"}${row.join("")}`;
    });
    const legend = [
      `loss: ${this.#coloured("⠒⠒", BLUE)} train`,
      ...(this.#val.length > 0 ? [`${this.#mark()} val`] : []),
    ];
    return [...lines, `${" ".repeat(labels + 2)}${legend.join("  ")}`];
  }

  #draw(width: number, low: number, high: number): string[][] {
    const bits = Array.from({ length: ROWS }, () => new Uint8Array(width));
    const height = ROWS * 4;
    const rowOf = (loss: number): number =>
      high > low ? Math.round(((high - loss) / (high - low)) * (height - 1)) : Math.floor(height / 2);
    const points = this.#columns(width * 2);
    let before: number | null = null;
    points.forEach((loss, x) => {
      if (loss === null) return;
      const row = rowOf(loss);
      // A line, not a cloud: every dot between this column's height and the last one's.
      for (let y = Math.min(row, before ?? row); y <= Math.max(row, before ?? row); y++) {
        if (y === before && y !== row) continue;
        bits[Math.floor(y / 4)]![Math.floor(x / 2)]! |= DOTS[x % 2 === 0 ? 0 : 1][(y % 4) as 0 | 1 | 2 | 3];
      }
      before = row;
    });
    const cells = bits.map((row) =>
      Array.from(row, (value) => (value === 0 ? " " : this.#coloured(String.fromCodePoint(0x2800 + value), BLUE))),
    );
    for (const { step, loss } of this.#val) {
      const x = Math.ceil((step / this.#steps) * width) - 1;
      cells[Math.floor(rowOf(loss) / 4)]![x] = this.#mark();
    }
    return cells;
  }

  /** Mean losses by column, from the first step to the last; a column between two means has the one before it. */
  #columns(count: number): (number | null)[] {
    const last = this.#steps / this.#span;
    return Array.from({ length: count }, (_, x) => {
      const from = Math.floor((x / count) * last);
      const to = Math.max(from + 1, Math.floor(((x + 1) / count) * last));
      const all = this.#means.slice(from, to).reduce((sum, mean) => joined(sum, mean), { sum: 0, count: 0 });
      return all.count === 0 ? null : all.sum / all.count;
    });
  }

  #extreme(of: (...values: number[]) => number): number {
    const means = this.#means.flatMap(({ sum, count }) => (count === 0 ? [] : [sum / count]));
    return of(...means, ...this.#val.map(({ loss }) => loss));
  }

  #mark(): string {
    return this.#coloured("o", ORANGE);
  }

  #coloured(text: string, colour: string): string {
    return this.#colours ? `${colour}${text}${PLAIN}` : text;
  }
}

const joined = (a: Mean, b: Mean | undefined): Mean => ({
  sum: a.sum + (b?.sum ?? 0),
  count: a.count + (b?.count ?? 0),
});
