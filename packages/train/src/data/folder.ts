import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Columns } from "./columns.ts";
import { DataFolderError, describeFound } from "./folderError.ts";
import { compareCodePoints, entriesOf, listImages, type FolderEntries } from "./listing.ts";
import { nearestSpelling } from "./spelling.ts";
import { isManifest, readManifest } from "./manifest.ts";
import {
  DEFAULT_FRACTIONS,
  joinGroups,
  SplitError,
  splitItems,
  SPLIT_NAMES,
  SPLITS,
  type Fractions,
  type SplitName,
} from "./split.ts";

/** Files of one split in torchvision's order: by class, then by name. */
export interface LabelledFiles {
  /** The root as it was given, and what follows. */
  readonly paths: readonly string[];
  /** Index into the classes, for each path. */
  readonly labels: readonly number[];
}

export interface DataFolder {
  /** The folder, or the CSV file that lists the pictures. */
  readonly root: string;
  /** The folder that paths are relative to: the root, or where the CSV file lies. */
  readonly base: string;
  /** "splits": root/train/<class>/*. "classes": root/<class>/*, split here. Of a CSV file: whether it says the splits. */
  readonly layout: "splits" | "classes";
  /** In sorted order, as torchvision numbers them. */
  readonly classes: readonly string[];
  readonly splits: Readonly<Record<SplitName, LabelledFiles | null>>;
  /** Files and folders that were passed over, relative to the root: no pictures, or in no class. */
  readonly ignored: readonly string[];
  /** Whose pictures are, by their paths, as far as a CSV file says; null for a folder. */
  readonly patients: ReadonlyMap<string, string> | null;
  /** What else a CSV file says; null for a folder. */
  readonly columns: Columns | null;
}

export interface DataFolderOptions {
  /** Splits that there must be. Default: train. */
  readonly need?: readonly SplitName[];
  /** For a folder without splits. Default: 0.8, 0.1, 0.1. */
  readonly fractions?: Fractions;
  readonly seed?: number;
  /**
   * For a folder without splits: whose picture it is, by its path within the class folder. Pictures of one patient never part.
   * Null for a path that doesn't tell is an error. Default: every picture is a patient's only one.
   */
  readonly patientOf?: (path: string) => string | null;
  /**
   * For pictures that are split here: which of these files show one film, as indices. Copies of one film never part. Default: nobody
   * looks.
   */
  readonly filmsAmong?: (paths: readonly string[]) => Promise<readonly (readonly number[])[]>;
}

/**
 * Finds pictures and their classes, and never writes: `root/{train,val,test}/<class>/*` (val and test may be missing), or
 * `root/<class>/*`, which is split by seed, stratified. In place of a folder there may be a CSV file (see `readManifest`). Hidden files are passed over, links followed, folders below a class
 * belong to it.
 *
 * @throws DataFolderError when the tree is not one of these, a class is empty or missing in a split, or `need` is not met;
 *   CsvError
 */
export async function readDataFolder(root: string, options: DataFolderOptions = {}): Promise<DataFolder> {
  if (isManifest(root) && (await stat(root).catch(() => null))?.isFile()) return readManifest(root, options);
  const { folders, files } = await entriesOf(root).catch((error: unknown) => failToOpen(root, error));
  const tree = new Tree(root, folders);
  const named = folders.filter((name) => name.toLowerCase() in SPLIT_NAMES);
  return named.length > 0 ? await readSplits(tree, named, files, options) : await readClasses(tree, files, options);
}

/** The data folder while it is read. */
class Tree {
  readonly root: string;
  readonly folders: readonly string[];
  readonly ignored: string[] = [];

  constructor(root: string, folders: readonly string[]) {
    this.root = root;
    this.folders = folders;
  }

  get found(): Pick<DataFolder, "root" | "base" | "ignored" | "patients" | "columns"> {
    return { root: this.root, base: this.root, ignored: this.ignored, patients: null, columns: null };
  }

  async fail(problem: string, hints: readonly string[] = []): Promise<never> {
    throw new DataFolderError(this.root, problem, await describeFound(this.root), hints);
  }

  async entriesOf(folder: string): Promise<FolderEntries> {
    const path = join(this.root, folder);
    return entriesOf(path).catch((error: unknown) => failToOpen(path, error));
  }

  /** The pictures of a class folder; an empty one is an error. */
  async imagesOf(folder: string): Promise<readonly string[]> {
    const { images, others } = await listImages(join(this.root, folder)).catch((error: unknown) =>
      failToOpen(join(this.root, folder), error),
    );
    this.ignored.push(...others.map((name) => `${folder}/${name}`));
    if (images.length > 0) return images;
    const held = others.length > 0 ? `only files that are no pictures, such as ${others[0]}` : "nothing";
    return this.fail(`the class folder ${folder} holds ${held}`);
  }
}

async function readSplits(
  tree: Tree,
  named: readonly string[],
  files: readonly string[],
  { need = ["train"] }: DataFolderOptions,
): Promise<DataFolder> {
  const folderOf = new Map<SplitName, string>();
  for (const name of named) {
    const split = SPLIT_NAMES[name.toLowerCase()]!;
    const other = folderOf.get(split);
    if (other !== undefined) await tree.fail(`${other} and ${name} are both the ${split} split`);
    folderOf.set(split, name);
  }
  const unnamed = tree.folders.filter((name) => !named.includes(name));
  await refuseMisspelt(tree, unnamed, [...folderOf.keys()]);
  const missing = need.filter((split) => !folderOf.has(split));
  if (missing.length > 0) await tree.fail(`there is no ${missing.join(" and no ")} folder`);
  tree.ignored.push(...files, ...unnamed.map((name) => `${name}/`));

  const classesOf = new Map<SplitName, readonly string[]>();
  for (const [split, folder] of folderOf) {
    const entries = await tree.entriesOf(folder);
    if (entries.folders.length === 0) {
      await tree.fail(`${folder} has no class folders${entries.files.length > 0 ? ", only files" : ""}`);
    }
    tree.ignored.push(...entries.files.map((name) => `${folder}/${name}`));
    classesOf.set(split, entries.folders);
  }
  const classes = [...new Set([...classesOf.values()].flat())].sort(compareCodePoints);
  await refuseDifferentClasses(tree, folderOf, classesOf, classes);
  await refuseOneClass(tree, classes);

  const splits: Record<SplitName, LabelledFiles | null> = { train: null, val: null, test: null };
  for (const [split, folder] of folderOf) {
    const paths: string[] = [];
    const labels: number[] = [];
    for (const [label, name] of classes.entries()) {
      for (const image of await tree.imagesOf(`${folder}/${name}`)) {
        paths.push(join(tree.root, folder, name, image));
        labels.push(label);
      }
    }
    splits[split] = { paths, labels };
  }
  return { ...tree.found, layout: "splits", classes, splits };
}

async function readClasses(
  tree: Tree,
  files: readonly string[],
  { need = ["train"], fractions = DEFAULT_FRACTIONS, seed = 0, patientOf, filmsAmong }: DataFolderOptions,
): Promise<DataFolder> {
  const classes = tree.folders;
  if (classes.length === 0) await tree.fail(`it has no folders${files.length > 0 ? ", only files" : ""}`);
  await refuseMisspelt(tree, classes, []);
  await refuseOneClass(tree, classes);
  tree.ignored.push(...files);

  const items: { path: string; label: number; group: string }[] = [];
  for (const [label, name] of classes.entries()) {
    for (const image of await tree.imagesOf(name)) {
      const group = patientOf ? patientOf(image) : `${name}/${image}`;
      if (group === null) return tree.fail(`whose picture ${name}/${image} is can't be told from its name`);
      items.push({ path: join(tree.root, name, image), label, group });
    }
  }
  const films = await filmsAmong?.(items.map(({ path }) => path));
  try {
    const assigned = splitItems(joinGroups(items, films ?? []), { seed, fractions, classes });
    const filesOf = (split: SplitName): LabelledFiles | null => {
      const chosen = items.filter((_, i) => assigned[i] === split);
      if (chosen.length === 0) return null;
      return { paths: chosen.map(({ path }) => path), labels: chosen.map(({ label }) => label) };
    };
    const splits = { train: filesOf("train"), val: filesOf("val"), test: filesOf("test") };
    const missing = need.filter((split) => splits[split] === null);
    if (missing.length > 0) throw new SplitError(`the fractions leave nothing for ${missing.join(" and ")}`);
    return { ...tree.found, layout: "classes", classes, splits };
  } catch (error) {
    if (error instanceof SplitError) return tree.fail(error.message);
    throw error;
  }
}

/** Folders that hold folders and are named nearly as a split that is missing. */
async function refuseMisspelt(tree: Tree, names: readonly string[], present: readonly SplitName[]): Promise<void> {
  for (const name of names) {
    const near = nearestSpelling(name, Object.keys(SPLIT_NAMES));
    if (near === null || present.includes(SPLIT_NAMES[near]!)) continue;
    const { folders, files } = await tree.entriesOf(name);
    if (folders.length === 0 || files.length > 0) continue;
    await tree.fail(`${name} is no name of a split`, [`did you mean "${near}" by "${name}"?`]);
  }
}

async function refuseDifferentClasses(
  tree: Tree,
  folderOf: ReadonlyMap<SplitName, string>,
  classesOf: ReadonlyMap<SplitName, readonly string[]>,
  classes: readonly string[],
): Promise<void> {
  const problems: string[] = [];
  const hints = new Set<string>();
  for (const split of SPLITS) {
    const found = classesOf.get(split);
    const missing = found ? classes.filter((name) => !found.includes(name)) : [];
    if (missing.length === 0) continue;
    problems.push(`${folderOf.get(split)} has no ${missing.map((name) => `"${name}"`).join(", ")}`);
    for (const name of missing) {
      const near = nearestSpelling(name, found!);
      if (near !== null) hints.add(`did you mean "${name}" by "${near}", or the other way round?`);
    }
  }
  if (problems.length > 0) await tree.fail(`the splits have different classes: ${problems.join("; ")}`, [...hints]);
}

async function refuseOneClass(tree: Tree, classes: readonly string[]): Promise<void> {
  if (classes.length !== 1) return;
  const [only] = classes;
  const inner = join(tree.root, only!);
  const { folders } = await entriesOf(inner).catch(() => ({ folders: [] }));
  const hints = folders.length > 1 ? [`did you mean ${inner}, which holds ${folders.slice(0, 4).join(", ")}?`] : [];
  await tree.fail(`there is only one class, "${only}", and at least two are needed`, hints);
}

async function failToOpen(path: string, error: unknown): Promise<never> {
  const code = error instanceof Error && "code" in error ? error.code : null;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === "ENOTDIR")
    throw new DataFolderError(path, "it is a file, not a folder, nor a .csv that lists pictures", null, []);
  if (code !== "ENOENT") {
    throw new DataFolderError(path, `can't be read (${reason})`, null, []);
  }
  const siblings = await entriesOf(dirname(path)).catch(() => ({ folders: [] }));
  const near = nearestSpelling(basename(path), siblings.folders);
  const hints = near === null ? [] : [`did you mean ${join(dirname(path), near)}?`];
  throw new DataFolderError(path, isManifest(path) ? "there is no such file" : "there is no such folder", null, hints);
}
