import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { writeFileAtomic } from "./atomic.ts";

export type CsvCell = string | number | boolean | null;

/** A CSV file does not have the columns that it should. */
export class CsvError extends Error {
  override readonly name = "CsvError";
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
    this.path = path;
  }
}

/** One record by RFC 4180, ending in a newline. `null` is an empty cell; a number is written so that it reads back exactly. */
export function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map((cell) => quote(cell === null ? "" : String(cell))).join(",")}\n`;
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A record of a CSV text, and the line that it begins in. */
export interface CsvRecord {
  readonly cells: string[];
  readonly line: number;
}

/**
 * The records of a CSV text by RFC 4180 (quoted cells may hold separators, doubled quotes and newlines). A last record without
 * its newline was torn off while it was written, and is left out.
 */
export function parseCsv(text: string): string[][] {
  return parseCsvRecords(text).records.map(({ cells }) => cells);
}

/** `parseCsv` with lines; `open`: where a cell begins whose quotes are never closed, so that what follows is lost. */
export function parseCsvRecords(text: string, separator = ","): { records: CsvRecord[]; open: number | null } {
  const records: CsvRecord[] = [];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  let [line, start, opened] = [1, 1, 1];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "\n") line += 1;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[i + 1] === '"') {
        cell += '"';
        i++;
      } else quoted = false;
    } else if (char === '"' && cell === "") [quoted, opened] = [true, line];
    else if (char === separator) {
      cells.push(cell);
      cell = "";
    } else if (char === "\n") {
      cells.push(cell);
      records.push({ cells, line: start });
      [cells, cell, start] = [[], "", line];
    } else if (char !== "\r") cell += char;
  }
  return { records, open: quoted ? opened : null };
}

/**
 * A CSV file that grows line by line. Each line is one write, so a killed process leaves whole lines (the operating system
 * keeps what was written); `sync` also survives a power cut.
 */
export class CsvAppender<Column extends string> {
  readonly path: string;
  readonly #columns: readonly Column[];
  readonly #file: number;

  private constructor(path: string, columns: readonly Column[], file: number) {
    this.path = path;
    this.#columns = columns;
    this.#file = file;
  }

  /**
   * Opens the file to append to, writing the header into a new one. In one that is there already, keeps the records for
   * which `keep` is true: those after the checkpoint that a run resumes from will be written again.
   *
   * @throws CsvError where the file has other columns
   */
  static async open<Column extends string>(
    path: string,
    columns: readonly Column[],
    keep: (record: Record<Column, string>) => boolean,
  ): Promise<CsvAppender<Column>> {
    const kept = existsSync(path) ? readCsv(path, columns).filter(keep) : [];
    const lines = kept.map((record) => csvLine(columns.map((column) => record[column])));
    await writeFileAtomic(path, csvLine(columns) + lines.join(""));
    return new CsvAppender(path, columns, openSync(path, "a"));
  }

  append(record: Record<Column, CsvCell>): void {
    const line = Buffer.from(csvLine(this.#columns.map((column) => record[column])));
    for (let offset = 0; offset < line.length;) offset += writeSync(this.#file, line, offset);
  }

  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    this.sync();
    closeSync(this.#file);
  }
}

/**
 * The records of a CSV file with a header, by column.
 *
 * @throws CsvError where the header lacks one of `columns`, or a record has another number of cells
 */
export function readCsv<Column extends string>(path: string, columns: readonly Column[]): Record<Column, string>[] {
  const [header, ...records] = parseCsv(readFileSync(path, "utf8"));
  // A process killed while it created the file leaves it empty.
  if (header === undefined) return [];
  const positions = columns.map((column) => {
    const at = header.indexOf(column);
    if (at < 0) throw new CsvError(path, `has no column "${column}" (columns: ${header.join(", ")})`);
    return [column, at] as const;
  });
  return records.map((record, index) => {
    if (record.length !== header.length) {
      throw new CsvError(path, `line ${index + 2} has ${record.length} cells, the header has ${header.length}`);
    }
    return Object.fromEntries(positions.map(([column, at]) => [column, record[at] ?? ""])) as Record<Column, string>;
  });
}
