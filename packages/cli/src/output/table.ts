import type { Sink } from "../io.ts";
import { columnsOf, printable } from "./format.ts";

/** A column: its heading, and how a row shows in it. Numbers are set to the right. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Default: left. */
  readonly align?: "left" | "right";
}

/** Rows as lines of text under a heading, with two blanks between the columns. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [headingsOf(columns), ...rows.map((row) => cellsOf(row, columns))];
  return linesOf(cells, columns, widthsOf(cells));
}

/** Rows that set the widths before any is shown. */
const FIRST_ROWS = 8;

/** A table whose rows are shown as they come: the first few set the columns' widths, which a longer cell later on doesn't keep to. */
export class StreamedTable<Row> {
  readonly #out: Sink;
  readonly #columns: readonly Column<Row>[];
  readonly #first: string[][];
  #widths: readonly number[] | null = null;

  constructor(out: Sink, columns: readonly Column<Row>[]) {
    this.#out = out;
    this.#columns = columns;
    this.#first = [headingsOf(columns)];
  }

  row(row: Row): void {
    const cells = cellsOf(row, this.#columns);
    if (this.#widths) return this.#out.write(linesOf([cells], this.#columns, this.#widths));
    this.#first.push(cells);
    if (this.#first.length > FIRST_ROWS) this.#begin();
  }

  /** Shows what is not shown yet. */
  end(): void {
    if (!this.#widths) this.#begin();
  }

  #begin(): void {
    this.#widths = widthsOf(this.#first);
    this.#out.write(linesOf(this.#first, this.#columns, this.#widths));
  }
}

const headingsOf = <Row>(columns: readonly Column<Row>[]): string[] => columns.map(({ title }) => title);

const cellsOf = <Row>(row: Row, columns: readonly Column<Row>[]): string[] =>
  columns.map(({ cell }) => printable(cell(row)));

const widthsOf = ([head = [], ...rows]: readonly (readonly string[])[]): number[] =>
  head.map((title, i) => rows.reduce((most, row) => Math.max(most, columnsOf(row[i]!)), columnsOf(title)));

function linesOf<Row>(
  cells: readonly (readonly string[])[],
  columns: readonly Column<Row>[],
  widths: readonly number[],
): string {
  const lines = cells.map((line) =>
    line
      .map((text, i) => {
        const space = " ".repeat(Math.max(0, widths[i]! - columnsOf(text)));
        return columns[i]!.align === "right" ? space + text : text + space;
      })
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** Names and values under each other: "  adapter   llvmpipe". */
export function formatPairs(pairs: readonly (readonly [name: string, value: string])[], indent = "  "): string {
  const shown = pairs.map(([name, value]) => [printable(name), printable(value)] as const);
  const widest = Math.max(...shown.map(([name]) => columnsOf(name)));
  return shown.map(([name, value]) => `${indent}${name}${" ".repeat(widest - columnsOf(name))}  ${value}\n`).join("");
}
