import { stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { writeFileAtomic } from "../run/atomic.ts";
import { makeFolder } from "../run/makeFolder.ts";
import type { DataAudit } from "./checkData.ts";

/** A file that would lie among the pictures: wrong usage, exit code 2. */
export class InsideDataError extends Error {
  override readonly name = "InsideDataError";
  readonly exitCode = 2;

  constructor(path: string, root: string) {
    super(`${path}: lies in the data folder ${root}, where nothing is written: choose another place`);
  }
}

/**
 * Refuses a file in the data folder.
 *
 * @throws InsideDataError
 */
export async function refuseInside(path: string, root: string): Promise<void> {
  // A manifest lies where it likes; what it names is no folder of ours.
  const found = await stat(root).catch(() => null);
  if (!found?.isDirectory()) return;
  const below = relative(resolve(root), resolve(path));
  if (isAbsolute(below) || below.split(sep)[0] === "..") return;
  throw new InsideDataError(path, root);
}

/**
 * Writes what was found as JSON, in one step.
 *
 * @throws InsideDataError for a file in the data folder, FileWriteError
 */
export async function writeAudit(path: string, audit: DataAudit): Promise<void> {
  await refuseInside(path, audit.root);
  await makeFolder(dirname(path));
  await writeFileAtomic(path, `${JSON.stringify(audit, null, 2)}\n`);
}
