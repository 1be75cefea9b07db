import { isAbsolute, normalize, relative, resolve, sep } from "node:path";
import { SPLITS, type SplitName } from "../data/split.ts";
import { readTable } from "../data/table.ts";

/** A patient whose pictures lie in more than one split. */
export interface SplitPatient {
  readonly patient: string;
  /** Pictures in each split. */
  readonly pictures: Readonly<Record<SplitName, number>>;
}

/** Patients with pictures in two splits or more, by name. */
export function splitPatients(
  files: readonly { readonly patient: string | null; readonly split: SplitName | null }[],
): SplitPatient[] {
  const found = new Map<string, Record<SplitName, number>>();
  for (const { patient, split } of files) {
    if (patient === null || split === null) continue;
    const pictures = found.get(patient) ?? { train: 0, val: 0, test: 0 };
    pictures[split] += 1;
    found.set(patient, pictures);
  }
  return Array.from(found, ([patient, pictures]) => ({ patient, pictures }))
    .filter(({ pictures }) => SPLITS.filter((split) => pictures[split] > 0).length > 1)
    .sort((a, b) => (a.patient < b.patient ? -1 : 1));
}

/**
 * Whose pictures are, from a CSV file with columns `path` and `patient`; paths are relative to the data folder, or absolute.
 *
 * @returns by the path within the data folder, with "/"; null for a picture that is not in the file
 * @throws CsvError
 */
export function patientsFromCsv(path: string, root: string): (name: string) => string | null {
  const patients = new Map(
    readTable(path, ["path", "patient"]).rows.map(({ cells }) => {
      const file = cells["path"]!;
      const name = isAbsolute(file) ? relative(resolve(root), file) : normalize(file);
      return [name.split(sep).join("/"), cells["patient"]!];
    }),
  );
  return (name) => patients.get(name) || null;
}
