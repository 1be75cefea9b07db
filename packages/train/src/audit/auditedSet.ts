import { relative, resolve, sep } from "node:path";
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
}

export interface PatientOptions {
  /** A regular expression whose group tells the patient from a picture's path in its class folder. */
  readonly patientPattern?: string;
  /** A CSV file with columns `path` and `patient`. */
  readonly patients?: string;
}

/**
 * The pictures of a data folder. One without splits of its own is taken as a whole.
 *
 * @throws DataFolderError, SplitError for a bad pattern, CsvError
 */
export async function readAuditedSet(root: string, options: PatientOptions = {}): Promise<AuditedSet> {
  const folder = await readDataFolder(root, { need: [], fractions: { train: 1, val: 0, test: 0 } });
  const { layout, splits } = folder;
  const whole = layout === "classes" ? { ...folder, splits: { ...splits, train: splits.train } } : folder;
  return auditedSetOf(whole, options, layout === "splits");
}

/** A data folder's pictures in the splits that they are given there. */
export function auditedSetOf(folder: DataFolder, options: PatientOptions = {}, split = true): AuditedSet {
  const { root, classes, splits, ignored } = folder;
  const { patientPattern, patients } = options;
  const byPattern = patientPattern === undefined ? null : patientFromPattern(patientPattern);
  const byCsv = patients === undefined ? null : patientsFromCsv(patients, root);
  // What a pattern sees: the path below <split>/<class> or <class>.
  const above = folder.layout === "splits" ? 2 : 1;
  const files = SPLITS.flatMap((name) =>
    (splits[name]?.paths ?? []).map((path, i) => {
      const inside = relative(resolve(root), resolve(path)).split(sep);
      const inClass = inside.slice(above).join("/");
      return {
        path,
        name: inside.join("/"),
        label: splits[name]!.labels[i]!,
        split: split ? name : null,
        patient: byCsv?.(inside.join("/")) ?? byPattern?.(inClass) ?? null,
      };
    }),
  );
  return { root, classes, files, ignored, patientsKnown: byPattern !== null || byCsv !== null };
}
