import { printable } from "./format.ts";

/** A column: its heading, and how a row shows in it. Numbers are set to the right. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Default: left. */
  readonly align?: "left" | "right";
}

/** Rows as lines of text under a heading, with two blanks between the columns. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => printable(cell(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => width(line[i]!))));
  const lines = cells.map((line) =>
    line
      .map((text, i) => {
        const space = " ".repeat(widths[i]! - width(text));
        return columns[i]!.align === "right" ? space + text : text + space;
      })
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

const width = (text: string): number => [...text].length;

/** Names and values under each other: "  adapter   llvmpipe". */
export function formatPairs(pairs: readonly (readonly [name: string, value: string])[], indent = "  "): string {
  const shown = pairs.map(([name, value]) => [printable(name), printable(value)] as const);
  const widest = Math.max(...shown.map(([name]) => width(name)));
  return shown.map(([name, value]) => `${indent}${name}${" ".repeat(widest - width(name))}  ${value}\n`).join("");
}
