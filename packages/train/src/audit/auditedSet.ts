import { relative, resolve, sep } from "node:path";
import type { Columns } from "../data/columns.ts";
import { readDataFolder, type DataFolder } from "../data/folder.ts";
import { patientFromPattern, SPLITS, type SplitName } from "../data/split.ts";
import { patientsFromCsv } from "./patients.ts";

/** A picture of a data set, before it is opened. */
export interface AuditedFile {
  readonly path: string;
  /** The path within the data folder, with "/". */
  readonly name: string;
  readonly label: number;
  /** Null where the set has no splits of its own. */
  readonly split: SplitName | null;
  /** Null where nobody said. */
  readonly patient: string | null;
}

/** A data set as `checkData` looks at it. */
export interface AuditedSet {
  readonly root: string;
  readonly classes: readonly string[];
  readonly files: readonly AuditedFile[];
  readonly ignored: readonly string[];
  /** Whether anything says whose pictures they are. */
  readonly patientsKnown: boolean;
  /** What else a CSV file says; null for a folder. */
  readonly columns: Columns | null;
}

export interface PatientOptions {
  /** A regular expression whose group tells the patient from a picture's path in its class folder. */
  readonly patientPattern?: string;
  /** A CSV file with columns `path` and `patient`. */
  readonly patients?: string;
}

/**
 * The pictures of a data folder, or of a CSV file that lists them. One without splits of its own is taken as a whole.
 *
 * @throws DataFolderError, SplitError for a bad pattern, CsvError
 */
export async function readAuditedSet(root: string, options: PatientOptions = {}): Promise<AuditedSet> {
  const folder = await readDataFolder(root, { need: [], fractions: { train: 1, val: 0, test: 0 } });
  return auditedSetOf(folder, options, folder.layout === "splits");
}

/** A picture's path within a folder, with "/". */
export const nameIn = (base: string, path: string): string =>
  relative(resolve(base), resolve(path)).split(sep).join("/");

/** A data folder's pictures in the splits that they are given there; `split`: whether those count. */
export function auditedSetOf(folder: DataFolder, options: PatientOptions = {}, split = true): AuditedSet {
  const { root, base, classes, splits, ignored, columns } = folder;
  const { patientPattern, patients } = options;
  const byPattern = patientPattern === undefined ? null : patientFromPattern(patientPattern);
  const byCsv = patients === undefined ? null : patientsFromCsv(patients, base);
  // What a pattern sees: the path below <split>/<class> or <class>; of what a CSV file lists, all of it.
  const above = folder.patients ? 0 : folder.layout === "splits" ? 2 : 1;
  const files = SPLITS.flatMap((name) =>
    (splits[name]?.paths ?? []).map((path, i) => {
      const pictureName = nameIn(base, path);
      const inClass = pictureName.split("/").slice(above).join("/");
      return {
        path,
        name: pictureName,
        label: splits[name]!.labels[i]!,
        split: split ? name : null,
        patient: folder.patients?.get(path) ?? byCsv?.(pictureName) ?? byPattern?.(inClass) ?? null,
      };
    }),
  );
  const patientsKnown = byPattern !== null || byCsv !== null || (folder.patients?.size ?? 0) > 0;
  return { root, classes, files, ignored, patientsKnown, columns };
}
