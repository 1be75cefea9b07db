import { GROUP_COLUMN, type Columns } from "../data/columns.ts";
import type { SplitName } from "../data/split.ts";
import { csvLine } from "../run/csv.ts";
import { nameIn } from "./auditedSet.ts";

/** A picture in a list of pictures. */
export interface ManifestRow {
  readonly path: string;
  readonly class: string;
  readonly split: SplitName | null;
  readonly patient: string | null;
  /** What it was kept together with; undefined: nothing is said of that. */
  readonly group?: string;
}

/**
 * The text of a CSV file that every command takes in place of a data folder: path, label, split, patient, what was kept together where that is
 * known, and the data set's own columns.
 *
 * @param place the folder that the file will lie in, which its paths are relative to
 */
export function manifestCsv(place: string, rows: readonly ManifestRow[], columns: Columns | null): string {
  const own = columns?.names ?? [];
  const grouped = rows.some(({ group }) => group !== undefined);
  const header = ["path", "label", "split", "patient", ...(grouped ? [GROUP_COLUMN] : []), ...own];
  const lines = rows.map(({ path, class: label, split, patient, group }) =>
    csvLine([
      nameIn(place, path),
      label,
      split,
      patient,
      ...(grouped ? [group ?? null] : []),
      ...own.map((name) => columns?.of.get(path)?.get(name) ?? ""),
    ]),
  );
  return csvLine(header) + lines.join("");
}
