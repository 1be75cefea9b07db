import { dirname, join } from "node:path";
import { isManifest } from "../data/manifest.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { makeFolder } from "../run/makeFolder.ts";
import { liesIn, realPlace } from "../run/place.ts";
import { readAuditedSet } from "./auditedSet.ts";
import type { DataAudit } from "./checkData.ts";
import { writeDataPlots } from "./plots/writeDataPlots.ts";

/** A file that would lie among the pictures: wrong usage, exit code 2. */
export class InsideDataError extends Error {
  override readonly name = "InsideDataError";
  readonly exitCode = 2;

  constructor(path: string, root: string) {
    super(`${path}: lies in the data folder ${root}, where nothing is written: choose another place`);
  }
}

/**
 * Refuses a path in a data folder, or in a folder that holds pictures of a CSV file, whatever links lead there.
 *
 * @throws InsideDataError; DataFolderError, CsvError for a data set that can't be listed
 */
export async function refuseInside(path: string, root: string): Promise<void> {
  const place = await realPlace(path);
  for (const folder of isManifest(root) ? await pictureFolders(root) : [root])
    if (liesIn(place, await realPlace(folder))) throw new InsideDataError(path, folder);
}

/** Folders that pictures of a CSV file lie in. */
async function pictureFolders(manifest: string): Promise<ReadonlySet<string>> {
  const { files } = await readAuditedSet(manifest);
  return new Set(files.map(({ path }) => dirname(path)));
}

/** The files of a folder that a look at a data set leaves. */
export const AUDIT_FILE = "data-check.json";

/**
 * Writes what was found: a folder with `data-check.json` and its plots (`writeDataPlots`), or, by a name that ends in ".json", that file alone.
 *
 * @throws InsideDataError for a place among the pictures, FileWriteError
 */
export async function writeAudit(path: string, audit: DataAudit): Promise<void> {
  await refuseInside(path, audit.root);
  const alone = path.toLowerCase().endsWith(".json");
  const file = alone ? path : join(path, AUDIT_FILE);
  await makeFolder(dirname(file));
  await writeFileAtomic(file, `${JSON.stringify(audit, null, 2)}\n`);
  if (!alone) await writeDataPlots(path, audit);
}
