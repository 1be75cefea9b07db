import { dirname, resolve } from "node:path";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import type { LoadProgress, UnreadablePicture } from "../data/loadPictures.ts";
import { DEFAULT_FRACTIONS, SPLITS, SplitError, splitItems, type Fractions, type SplitName } from "../data/split.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { makeFolder } from "../run/makeFolder.ts";
import { readAuditedSet, type PatientOptions } from "./auditedSet.ts";
import { clustersOf } from "./clusters.ts";
import { Copies } from "./copies.ts";
import { fingerprinted } from "./fingerprinted.ts";
import { manifestCsv } from "./manifestCsv.ts";
import { refuseInside } from "./writeAudit.ts";

export interface SplitDataOptions extends PatientOptions {
  /** The CSV file to write. */
  readonly out: string;
  /** Default: 0.8, 0.1, 0.1. */
  readonly fractions?: Fractions;
  /** Default: 0. */
  readonly seed?: number;
  /** See `fingerprintsOf`. Default: where decoded pictures are kept. */
  readonly cacheFolder?: string | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface SplitSummary {
  readonly out: string;
  readonly classes: readonly string[];
  /** Pictures of each class in each split. */
  readonly counts: Readonly<Record<SplitName, readonly number[]>>;
  /** Copies of one film and pictures of one patient, two and more each, that were kept together. */
  readonly groups: number;
  readonly largestGroup: number;
  /** Left out. */
  readonly unreadable: readonly UnreadablePicture[];
}

/**
 * Makes a new split of all pictures of a data folder, whatever splits it has: stratified, by seed, with copies of one film and pictures of
 * one patient in the same split. Writes a CSV file `path,label,split,patient,split_group` that every command takes in place of the
 * folder, with the columns that the data set has besides; no picture is moved. Pictures that can't be read are left out. What it writes depends on the pictures, their names and the
 * options alone.
 *
 * @throws DataFolderError, CsvError, SplitError where it can't be split so, InsideDataError for a file in the data folder,
 *   FileWriteError; the signal's reason where it aborts
 */
export async function splitData(root: string, options: SplitDataOptions): Promise<SplitSummary> {
  const { out, fractions = DEFAULT_FRACTIONS, seed = 0, signal } = options;
  const { cacheFolder = defaultPictureCacheFolder() } = options;
  await refuseInside(out, root);
  if (resolve(out) === resolve(root))
    throw new SplitError(`${out}: is what the pictures are read from: choose another file`);
  const { files, classes, columns } = await readAuditedSet(root, options);
  const { pictures, unreadable } = await fingerprinted(files, { ...options, cacheFolder });
  const copies = await Copies.find(
    pictures.map(({ print }) => print),
    signal,
  );
  const clusters = clustersOf(pictures, copies);
  const items = pictures.map(({ label }, i) => ({ label, group: pictures[clusters[i]!]!.name }));
  const splits = splitItems(items, { seed, fractions, classes });

  const place = dirname(resolve(out));
  const rows = pictures.map(({ path, label, patient }, i) => ({
    path,
    class: classes[label]!,
    split: splits[i]!,
    patient,
    group: items[i]!.group,
  }));
  await makeFolder(place);
  await writeFileAtomic(out, manifestCsv(place, rows, columns));

  const sizes = new Map<number, number>();
  for (const cluster of clusters) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  const counts = (split: SplitName): number[] =>
    classes.map((_, label) => items.filter((item, i) => item.label === label && splits[i] === split).length);
  return {
    out,
    classes,
    counts: Object.fromEntries(SPLITS.map((split) => [split, counts(split)])) as Record<SplitName, number[]>,
    groups: [...sizes.values()].filter((size) => size > 1).length,
    largestGroup: [...sizes.values()].reduce((most, size) => Math.max(most, size), 0),
    unreadable,
  };
}
