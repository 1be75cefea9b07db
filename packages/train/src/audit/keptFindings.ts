import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { DECODER_VERSION } from "../data/decode.ts";
import { inParallel } from "../data/inParallel.ts";
import { leastUsedBeyond } from "../data/leastUsed.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { FRACTURE_VERSION } from "../version.ts";
import { FINGERPRINT_VERSION } from "./fingerprint.ts";

/** Files in parallel that are looked at. */
const LOOKS = 32;
/** What all kept findings may take on the disk. */
const MOST_BYTES = 256 * 2 ** 20;
/** Changes with whatever changes findings of the same fingerprints: those that were kept are void then. */
const FINDINGS_VERSION = "findings-4";

/** What findings about a list of files depend on. */
export interface Listing {
  /** What was found: findings of another kind, or on other terms, are others. */
  readonly terms: unknown;
  /** The files, each with what else is known of it. */
  readonly files: readonly { readonly path: string; readonly facts: readonly (string | number | null)[] }[];
}

export interface KeptFindingsOptions<T> {
  /** Whether the same would be found again. What would not, is not kept. Default: it would. */
  readonly lasts?: (made: T) => boolean;
  /** Default: 256 MiB. */
  readonly mostBytes?: number;
}

/**
 * What `make` finds in a list of files, kept in the cache folder for as long as no file's name, size or times change. An entry that is
 * damaged is as good as none. What was not used for longest goes first where they take too much.
 *
 * @param cacheFolder null: nothing is kept
 */
export async function keptFindings<T>(
  cacheFolder: string | null,
  listing: Listing,
  make: () => Promise<T>,
  { lasts = () => true, mostBytes = MOST_BYTES }: KeptFindingsOptions<T> = {},
): Promise<T> {
  if (cacheFolder === null) return make();
  const folder = join(cacheFolder, "audits");
  const path = join(folder, `${await keyOf(listing)}.json`);
  const kept = await readFile(path, "utf8")
    .then((text) => JSON.parse(text) as T)
    .catch(() => null);
  if (kept) {
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
    return kept;
  }
  const made = await make();
  if (!lasts(made)) return made;
  // A cache that can't be written slows the next run, and spoils nothing.
  await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => writeFileAtomic(path, JSON.stringify(made)))
    .then(() => removeUnused(folder, mostBytes))
    .catch(() => {});
  return made;
}

/** Removes what was not used for longest until the rest is within the limit. */
async function removeUnused(folder: string, mostBytes: number): Promise<void> {
  const entries = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      return { path, bytes: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
    }),
  );
  for (const { path } of leastUsedBeyond(entries, mostBytes)) await rm(path, { force: true });
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
