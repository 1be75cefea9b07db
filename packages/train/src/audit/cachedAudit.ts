import { mayPass } from "../data/dicom/codecs.ts";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import { readAuditedSet, type AuditedSet } from "./auditedSet.ts";
import { auditOf, type CheckDataOptions, type DataAudit } from "./checkData.ts";
import { keptFindings } from "./keptFindings.ts";

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

/** `auditOf`, kept in the cache folder by the listing: see `keptFindings`. */
export async function cachedAudit(
  set: AuditedSet,
  options: CheckDataOptions & { readonly cacheFolder: string | null },
): Promise<DataAudit> {
  const { root, classes, ignored, patientsKnown } = set;
  const files = set.files.map(({ path, label, split, patient }) => ({ path, facts: [label, split, patient] }));
  const terms = ["audit", root, classes, ignored, patientsKnown];
  return keptFindings(options.cacheFolder, { terms, files }, () => auditOf(set, options), {
    lasts: ({ unreadable }) => !unreadable.some(({ reason }) => mayPass(reason)),
  });
}
