import { join } from "node:path";
import { entriesOf } from "./listing.ts";

/** A data folder that is not laid out as it must be: a fault of the input, which a command line reports with exit code 2. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
  readonly exitCode = 2;
  readonly root: string;
  readonly problem: string;

  /** @param found the tree that is there, a line each, or null where there is none */
  constructor(root: string, problem: string, found: readonly string[] | null, hints: readonly string[]) {
    const tree = found === null ? [] : ["found:", ...found.map((line) => `  ${line}`)];
    super([`${root}: ${problem}`, ...hints, "expected:", ...EXPECTED, ...tree].join("\n"));
    this.root = root;
    this.problem = problem;
  }
}

const EXPECTED = [
  "  train/<class>/<pictures>    the same classes, at least two, in every split",
  "  val/<class>/<pictures>      may be missing",
  "  test/<class>/<pictures>     may be missing",
  "or, to be split by seed:",
  "  <class>/<pictures>          at least two classes",
];

const SHOWN_LINES = 24;

/** Two levels of a folder as they are, in at most SHOWN_LINES lines. */
export async function describeFound(root: string): Promise<string[]> {
  const { folders, files } = await entriesOf(root);
  const lines: string[] = [];
  for (const name of folders) {
    const inner = await entriesOf(join(root, name)).catch(() => null);
    lines.push(`${name}/    ${inner === null ? "can't be read" : contents(inner.folders.length, inner.files.length)}`);
    if (lines.length > SHOWN_LINES) break;
    for (const below of inner?.folders ?? []) {
      const held = await entriesOf(join(root, name, below)).catch(() => null);
      lines.push(
        `  ${below}/    ${held === null ? "can't be read" : contents(held.folders.length, held.files.length)}`,
      );
      if (lines.length > SHOWN_LINES) break;
    }
  }
  if (files.length > 0) lines.push(contents(0, files.length));
  if (lines.length === 0) lines.push("nothing");
  return lines.length > SHOWN_LINES ? [...lines.slice(0, SHOWN_LINES), "..."] : lines;
}

function contents(folders: number, files: number): string {
  const parts = [count(folders, "folder"), count(files, "file")].filter((part) => part !== null);
  return parts.length === 0 ? "empty" : parts.join(", ");
}

function count(number: number, what: string): string | null {
  return number === 0 ? null : `${number} ${what}${number === 1 ? "" : "s"}`;
}
