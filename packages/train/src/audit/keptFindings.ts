import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DECODER_VERSION } from "../data/decode.ts";
import { inParallel } from "../data/inParallel.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { FRACTURE_VERSION } from "../version.ts";
import { FINGERPRINT_VERSION } from "./fingerprint.ts";

/** Files in parallel that are looked at. */
const LOOKS = 32;
/** Changes with whatever changes findings of the same fingerprints: those that were kept are void then. */
const FINDINGS_VERSION = "findings-4";

/** What findings about a list of files depend on. */
export interface Listing {
  /** What was found: findings of another kind, or on other terms, are others. */
  readonly terms: unknown;
  /** The files, each with what else is known of it. */
  readonly files: readonly { readonly path: string; readonly facts: readonly (string | number | null)[] }[];
}

/**
 * What `make` finds in a list of files, kept in the cache folder for as long as no file's name, size or times change. An entry that is
 * damaged is as good as none.
 *
 * @param cacheFolder null: nothing is kept
 */
export async function keptFindings<T>(
  cacheFolder: string | null,
  listing: Listing,
  make: () => Promise<T>,
): Promise<T> {
  if (cacheFolder === null) return make();
  const folder = join(cacheFolder, "audits");
  const path = join(folder, `${await keyOf(listing)}.json`);
  const kept = await readFile(path, "utf8")
    .then((text) => JSON.parse(text) as T)
    .catch(() => null);
  if (kept) return kept;
  const made = await make();
  // A cache that can't be written slows the next run, and spoils nothing.
  await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => writeFileAtomic(path, JSON.stringify(made)))
    .catch(() => {});
  return made;
}

async function keyOf({ terms, files }: Listing): Promise<string> {
  const lines = files.map(() => "");
  await inParallel(files.length, LOOKS, async (i) => {
    const { path, facts } = files[i]!;
    const found = await stat(path, { bigint: true }).catch(() => null);
    lines[i] = [path, ...facts, found?.size, found?.mtimeNs, found?.ctimeNs].join("\0");
  });
  const versions = [FRACTURE_VERSION, DECODER_VERSION, FINGERPRINT_VERSION, FINDINGS_VERSION];
  const hash = createHash("sha256").update(JSON.stringify([versions, terms]));
  for (const line of lines) hash.update(`${line}\0\n`);
  return hash.digest("hex");
}
