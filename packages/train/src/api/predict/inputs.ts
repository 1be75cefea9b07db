import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { listImages } from "../../data/listing.ts";
import { isManifest } from "../../data/manifest.ts";
import { readTable } from "../../data/table.ts";

/** The pictures that paths name, one after the other: files as they are, folders as what is in them and below, CSV files as what they list. */
export async function* picturesOf(
  paths: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  for await (const path of paths) {
    const info = await stat(path).catch(() => null);
    if (info?.isFile() && isManifest(path)) {
      for (const { cells } of readTable(path, ["path"]).rows) yield resolve(dirname(path), cells["path"]!);
    } else if (info?.isDirectory()) for (const name of (await listImages(path)).images) yield join(path, name);
    else yield path;
  }
}

/** Those paths that are folders. */
export async function foldersAmong(paths: readonly string[]): Promise<string[]> {
  const folders = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => null))?.isDirectory()));
  return paths.filter((_, i) => folders[i]);
}
