import { readFileSync } from "node:fs";
import { CsvError, parseCsv } from "../run/csv.ts";

/** A CSV file that a person or a spreadsheet wrote. */
export interface Table {
  readonly columns: readonly string[];
  /** Cells by column, and the line that a message can name. */
  readonly rows: readonly { readonly line: number; readonly cells: Readonly<Record<string, string>> }[];
}

/**
 * Reads a CSV file with a header. Unlike one that a run writes, it may begin with a byte order mark, lack its last newline and have
 * empty lines; blanks around names and cells don't count.
 *
 * @throws CsvError where it is empty, lacks one of `needed`, names a column twice, or a line has another number of cells than
 *   the header; the system's error where it can't be read
 */
export function readTable(path: string, needed: readonly string[]): Table {
  const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  const [header, ...records] = parseCsv(text.endsWith("\n") ? text : `${text}\n`);
  if (header === undefined || (header.length === 1 && header[0]!.trim() === ""))
    throw new CsvError(path, `is empty, and a first line with ${needed.join(",")} is needed`);
  const columns = header.map((name) => name.trim());
  for (const name of needed) {
    if (columns.includes(name)) continue;
    const hint = header.length === 1 && /[;\t]/.test(header[0]!) ? "; cells are parted by commas" : "";
    throw new CsvError(path, `has no column "${name}" (columns: ${columns.join(", ")}${hint})`);
  }
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw new CsvError(path, `has two columns "${twice}"`);
  const rows = records.flatMap((record, i) => {
    if (record.length === 1 && record[0]!.trim() === "") return [];
    const line = i + 2;
    if (record.length !== columns.length)
      throw new CsvError(path, `line ${line} has ${record.length} cells, the header has ${columns.length}`);
    return [{ line, cells: Object.fromEntries(columns.map((name, column) => [name, record[column]!.trim()])) }];
  });
  return { columns, rows };
}
