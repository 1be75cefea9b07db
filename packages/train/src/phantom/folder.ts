import { existsSync, statSync } from "node:fs";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeAbandonedTemporaries } from "../run/atomic.ts";
import { PHANTOM_SPLITS, type PhantomSplit } from "./draws.ts";
import { PhantomError } from "./errors.ts";

/** The format of the folder; `phantom.json` carries it, and marks the folder as one of ours. */
export const PHANTOM_FORMAT = "fracture-phantom/1";

export const PHANTOM_CLASSES = { fractured: "fractured", whole: "not fractured" } as const;

/** Where everything lies in a phantom set. */
export function phantomPaths(folder: string) {
  return { folder, mark: join(folder, "phantom.json"), breaks: join(folder, "phantom.csv") };
}

/** Path of a picture within the set, with forward slashes: train/fractured/0000.png. */
export function picturePath(split: PhantomSplit, index: number, fractured: boolean): string {
  const name = `${String(index).padStart(4, "0")}.png`;
  return `${split}/${fractured ? PHANTOM_CLASSES.fractured : PHANTOM_CLASSES.whole}/${name}`;
}

const CLASS_NAMES = Object.values(PHANTOM_CLASSES);
const OWN_FILE = new RegExp(
  `^(phantom\\.(json|csv)|(${PHANTOM_SPLITS.join("|")})/(${CLASS_NAMES.join("|")})/\\d{4,}\\.png)$`,
);

/**
 * Empties a folder for a new phantom set. It may be missing, empty, or hold a phantom set and nothing else; anything else is left as
 * it is.
 *
 * @throws PhantomError
 */
export async function clearPhantomFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) {
    throw new PhantomError("notAFolder", `${folder}: is a file, and a phantom set needs a folder`);
  }
  const files = await filesIn(folder, "");
  if (files.length === 0) return;
  if (!(await isPhantomSet(folder))) {
    throw new PhantomError(
      "notEmpty",
      `${folder}: is not empty (${files[0]}) and is no phantom set; choose another folder`,
    );
  }
  await removeAbandonedTemporaries(folder);
  const foreign = (await filesIn(folder, "")).find((file) => !OWN_FILE.test(file));
  if (foreign !== undefined) {
    throw new PhantomError(
      "notEmpty",
      `${folder}: holds a phantom set and a file that is not of it (${foreign}); move that away or choose another folder`,
    );
  }
  // The mark last: interrupted, the folder is still recognised.
  for (const split of PHANTOM_SPLITS) await rm(join(folder, split), { recursive: true, force: true });
  await rm(phantomPaths(folder).breaks, { force: true });
  await rm(phantomPaths(folder).mark);
}

async function isPhantomSet(folder: string): Promise<boolean> {
  try {
    const mark: unknown = JSON.parse(await readFile(phantomPaths(folder).mark, "utf8"));
    return typeof mark === "object" && mark !== null && "format" in mark && mark.format === PHANTOM_FORMAT;
  } catch {
    return false;
  }
}

/** Paths of all files below a folder, with forward slashes, a link counted as a file. */
async function filesIn(folder: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesIn(folder, `${path}/`)));
    else found.push(path);
  }
  return found;
}
