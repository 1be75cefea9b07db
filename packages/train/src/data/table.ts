import { readFileSync } from "node:fs";
import { CsvError, parseCsvRecords } from "../run/csv.ts";

/** A CSV file that a person or a spreadsheet wrote. */
export interface Table {
  readonly columns: readonly string[];
  /** Cells by column, and the line that a message can name. */
  readonly rows: readonly { readonly line: number; readonly cells: Readonly<Record<string, string>> }[];
}

/** Columns that have a meaning here, whatever the case they are written in. */
const KNOWN: ReadonlySet<string> = new Set(["path", "label", "split", "patient"]);
const MOST_LISTED = 12;
const LONGEST_NAME = 40;

/**
 * Reads a CSV file with a header. Unlike one that a run writes, it may begin with a byte order mark, be UTF-16, lack its last newline, have
 * empty lines, and have its cells parted by semicolons or tabs, as spreadsheets write them; blanks around names and cells don't count, nor
 * does the case of "path", "label", "split" and "patient".
 *
 * @throws CsvError where it is no text or empty, lacks one of `needed`, names a column twice, a line has another number of cells than
 *   the header, or a quote is not closed; the system's error where it can't be read
 */
export function readTable(path: string, needed: readonly string[]): Table {
  const text = textOf(path);
  const separator = separatorOf(text);
  const { records, open } = parseCsvRecords(text.endsWith("\n") ? text : `${text}\n`, separator);
  if (open !== null) throw new CsvError(path, `line ${open}: the quotes of a cell that begins there are never closed`);
  const [header, ...lines] = records.filter(({ cells }) => cells.length > 1 || cells[0]!.trim() !== "");
  if (header === undefined) throw new CsvError(path, `is empty, and a first line with ${needed.join(",")} is needed`);
  const columns = header.cells.map((name) => {
    const plain = name.trim();
    return KNOWN.has(plain.toLowerCase()) ? plain.toLowerCase() : plain;
  });
  for (const name of needed)
    if (!columns.includes(name)) throw new CsvError(path, `has no column "${name}" (columns: ${listed(columns)})`);
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw new CsvError(path, `has two columns "${twice}"`);
  const rows = lines.map(({ cells, line }) => {
    if (cells.length !== columns.length)
      throw new CsvError(path, `line ${line} has ${cells.length} cells, the header has ${columns.length}`);
    return { line, cells: Object.fromEntries(columns.map((name, i) => [name, cells[i]!.trim()])) };
  });
  return { columns, rows };
}

/** What is between cells: of a header without commas what else it has. */
function separatorOf(text: string): string {
  const end = text.search(/[\r\n]/);
  const header = end < 0 ? text : text.slice(0, end);
  return [",", ";", "\t"].find((separator) => header.includes(separator)) ?? ",";
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  try {
    // A byte order mark is dropped.
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // said below
  }
  throw new CsvError(path, "is no text in UTF-8, as a CSV file should be");
}

function listed(columns: readonly string[]): string {
  const names = columns
    .slice(0, MOST_LISTED)
    .map((name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name));
  return `${names.join(", ")}${columns.length > MOST_LISTED ? `, and ${columns.length - MOST_LISTED} more` : ""}`;
}
