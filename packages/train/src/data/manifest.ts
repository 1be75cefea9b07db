import { stat } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { CsvError } from "../run/csv.ts";
import { ownColumns } from "./columns.ts";
import type { DataFolder, DataFolderOptions, LabelledFiles } from "./folder.ts";
import { inParallel } from "./inParallel.ts";
import { compareCodePoints } from "./listing.ts";
import { nearestSpelling } from "./spelling.ts";
import { DEFAULT_FRACTIONS, joinGroups, SplitError, splitItems, SPLITS, SPLIT_NAMES, type SplitName } from "./split.ts";
import { readTable, type Table } from "./table.ts";

interface Entry {
  readonly line: number;
  readonly path: string;
  /** As messages and patterns see it: within the manifest's folder, with "/". */
  readonly name: string;
  readonly class: string;
  readonly split: SplitName | null;
  readonly patient: string | null;
  /** The cells of the user's own columns. */
  readonly more: ReadonlyMap<string, string>;
}

/** Files in parallel that are looked for. */
const LOOKS = 32;
const MOST_LISTED = 10;

export const isManifest = (path: string): boolean => path.toLowerCase().endsWith(".csv");

/**
 * A data set that a CSV file lists in place of folders, with columns `path` (relative to the file's folder, or absolute), `label` (a
 * class), and where they are known `split` (train, val or test; without it the pictures are split by seed) and `patient`. Other
 * columns are kept as they are (`columns`). Pictures come in the order of folders: by class, then by path, whatever the order of the lines.
 *
 * @throws CsvError naming the line
 */
export async function readManifest(path: string, options: DataFolderOptions = {}): Promise<DataFolder> {
  const { need = ["train"], patientOf } = options;
  const base = dirname(path);
  const table = readTable(path, ["path", "label"]);
  const entries = entriesOf(path, base, table).map((entry) => ({
    ...entry,
    patient: entry.patient ?? patientOf?.(entry.name) ?? null,
  }));
  const fail = (problem: string): never => {
    throw new CsvError(path, problem);
  };
  if (entries.length === 0) fail("lists no pictures");
  const classes = [...new Set(entries.map((entry) => entry.class))].sort(compareCodePoints);
  if (classes.length < 2) fail(`there is only one class, "${classes[0]}", and at least two are needed`);
  await refuseMissing(path, entries);
  const strange = patientOf && entries.find(({ patient }) => patient === null);
  if (strange) fail(`line ${strange.line}: whose picture ${strange.name} is can't be told from its name`);

  const given = table.columns.includes("split");
  const splitOf = given ? entries.map(({ split }) => split!) : await dealt(path, entries, classes, options);
  const splits: Record<SplitName, LabelledFiles | null> = { train: null, val: null, test: null };
  for (const split of SPLITS) {
    const files = entries.filter((_, i) => splitOf[i] === split);
    if (files.length === 0) continue;
    const missing = classes.filter((name) => !files.some((file) => file.class === name));
    if (missing.length > 0) {
      const near = missing.map((name) => nearestSpelling(name, classes)).find((name) => name !== null);
      const hint = near ? ` (did you mean "${near}" by "${missing[0]}", or the other way round?)` : "";
      fail(`${split} has no picture of ${missing.map((name) => `"${name}"`).join(", ")}${hint}`);
    }
    splits[split] = { paths: files.map((file) => file.path), labels: files.map((file) => classes.indexOf(file.class)) };
  }
  const absent = need.filter((split) => splits[split] === null);
  if (absent.length > 0) fail(`there are no pictures of ${absent.join(" and none of ")}`);
  return {
    root: path,
    base,
    layout: given ? "splits" : "classes",
    classes,
    splits,
    ignored: [],
    patients: new Map(entries.flatMap((entry) => (entry.patient === null ? [] : [[entry.path, entry.patient]]))),
    columns: { names: ownColumns(table.columns), of: new Map(entries.map(({ path: file, more }) => [file, more])) },
  };
}

/** The lines in the order of folders. */
function entriesOf(path: string, base: string, { rows, columns }: Table): Entry[] {
  const fail = (line: number, problem: string): never => {
    throw new CsvError(path, `line ${line}: ${problem}`);
  };
  const lines = new Map<string, { line: number; label: string }>();
  const own = ownColumns(columns);
  const entries = rows.map(({ line, cells }): Entry => {
    const { path: written, label, split, patient } = cells as Record<"path" | "label", string> & Record<string, string>;
    if (written === "") fail(line, "there is no path");
    if (label === "") fail(line, `${written} has no label`);
    const file = resolve(base, written);
    const before = lines.get(file);
    if (before !== undefined) {
      const other = before.label === label ? "" : `, as "${before.label}"`;
      fail(line, `${written} is in line ${before.line} already${other}`);
    }
    lines.set(file, { line, label });
    const known = split === undefined ? null : (SPLIT_NAMES[split.toLowerCase()] ?? null);
    if (known === null && columns.includes("split"))
      fail(line, split === "" ? `${written} has no split` : `"${split}" is no split; there are ${SPLITS.join(", ")}`);
    return {
      line,
      path: file,
      name: relative(resolve(base), file).split(sep).join("/"),
      class: label,
      split: known,
      patient: patient || null,
      more: new Map(own.map((name) => [name, cells[name]!])),
    };
  });
  return entries.sort((a, b) => compareCodePoints(a.class, b.class) || compareCodePoints(a.name, b.name));
}

/** Files that are none; that the rest can't be read, the pictures' reader says. */
async function refuseMissing(path: string, entries: readonly Entry[]): Promise<void> {
  const missing: { entry: Entry; why: string }[] = [];
  await inParallel(entries.length, LOOKS, async (i) => {
    const entry = entries[i]!;
    try {
      if ((await stat(entry.path)).isDirectory()) missing.push({ entry, why: " is a folder" });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      missing.push({
        entry,
        why: code === "ENOENT" || code === "ENOTDIR" ? "" : ` can't be looked at (${String(code)})`,
      });
    }
  });
  if (missing.length === 0) return;
  const lines = missing
    .sort((a, b) => a.entry.line - b.entry.line)
    .slice(0, MOST_LISTED)
    .map(({ entry: { line, name }, why }) => `  line ${line}: ${name}${why}`);
  const more = missing.length > MOST_LISTED ? [`  and ${missing.length - MOST_LISTED} more`] : [];
  const count = missing.length === 1 ? "a file that is" : `${missing.length} files that are`;
  const hint = missing.every(({ entry }) => entry.name.includes("\\")) ? ", with / in place of \\" : "";
  throw new CsvError(
    path,
    [`lists ${count} not there (paths are relative to its folder${hint}):`, ...lines, ...more].join("\n"),
  );
}

/** Splits by seed; a patient's pictures don't part, nor do those of a film. */
async function dealt(
  path: string,
  entries: readonly Entry[],
  classes: readonly string[],
  { fractions = DEFAULT_FRACTIONS, seed = 0, filmsAmong }: DataFolderOptions,
): Promise<SplitName[]> {
  const items = entries.map((entry) => ({
    label: classes.indexOf(entry.class),
    group: entry.patient === null ? `file ${entry.name}` : `patient ${entry.patient}`,
  }));
  const films = await filmsAmong?.(entries.map((entry) => entry.path));
  try {
    return splitItems(joinGroups(items, films ?? []), { seed, fractions, classes });
  } catch (error) {
    if (error instanceof SplitError) throw new CsvError(path, error.message);
    throw error;
  }
}
