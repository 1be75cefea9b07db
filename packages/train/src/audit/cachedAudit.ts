import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DECODER_VERSION } from "../data/decode.ts";
import { inParallel } from "../data/inParallel.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { FRACTURE_VERSION } from "../version.ts";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import { readAuditedSet, type AuditedSet } from "./auditedSet.ts";
import { auditOf, type CheckDataOptions, type DataAudit } from "./checkData.ts";
import { FINGERPRINT_VERSION } from "./fingerprint.ts";

/** Files in parallel that are looked at. */
const LOOKS = 32;

/**
 * Looks at every picture of a data folder: what can't be read, copies (see `nearPairs`) across splits and classes, patients in two
 * splits, and properties other than bones that tell the class. Never writes into the folder.
 *
 * @throws DataFolderError, SplitError for a bad pattern, CsvError; the signal's reason where it aborts
 */
export async function checkData(root: string, options: CheckDataOptions = {}): Promise<DataAudit> {
  const { cacheFolder = defaultPictureCacheFolder() } = options;
  return cachedAudit(await readAuditedSet(root, options), { ...options, cacheFolder });
}

/**
 * `auditOf`, kept in the cache folder by the listing: the names, classes, splits, patients, sizes and times of all files. An entry that is
 * damaged is as good as none.
 */
export async function cachedAudit(
  set: AuditedSet,
  options: CheckDataOptions & { readonly cacheFolder: string | null },
): Promise<DataAudit> {
  const { cacheFolder } = options;
  if (cacheFolder === null) return auditOf(set, options);
  const folder = join(cacheFolder, "audits");
  const path = join(folder, `${await keyOf(set)}.json`);
  const kept = await readFile(path, "utf8")
    .then((text) => JSON.parse(text) as DataAudit)
    .catch(() => null);
  if (kept) return kept;
  const audit = await auditOf(set, options);
  // A cache that can't be written slows the next run, and spoils nothing.
  await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => writeFileAtomic(path, JSON.stringify(audit)))
    .catch(() => {});
  return audit;
}

async function keyOf({ root, classes, files, ignored, patientsKnown }: AuditedSet): Promise<string> {
  const facts = files.map(() => "");
  await inParallel(files.length, LOOKS, async (i) => {
    const { path, label, split, patient } = files[i]!;
    const found = await stat(path, { bigint: true }).catch(() => null);
    facts[i] = [path, label, split, patient, found?.size, found?.mtimeNs, found?.ctimeNs].join("\0");
  });
  const versions = [FRACTURE_VERSION, DECODER_VERSION, FINGERPRINT_VERSION];
  const hash = createHash("sha256").update(JSON.stringify([versions, root, classes, ignored, patientsKnown]));
  for (const fact of facts) hash.update(`${fact}\n`);
  return hash.digest("hex");
}
