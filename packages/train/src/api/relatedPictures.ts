import { auditedSetOf } from "../audit/auditedSet.ts";
import type { DataAudit } from "../audit/checkData.ts";
import { DisjointSets } from "../data/disjointSets.ts";
import type { DataFolder } from "../data/folder.ts";
import type { Group } from "../evaluate/bootstrap.ts";
import type { Recipe } from "../recipe/recipe.ts";

/** Which pictures say the same of a model: by path, a group. What is not there stands for itself. */
export type RelatedPictures = ReadonlyMap<string, Group>;

/**
 * Pictures of one film, as the audit found them, and of one patient, as a CSV file or the recipe's pattern tells: as evidence they are
 * not independent, so intervals are over these groups.
 *
 * @param audit null: only patients are looked at
 */
export function relatedPictures(
  data: DataFolder,
  audit: Pick<DataAudit, "groups"> | null,
  { patientPattern }: Pick<Recipe, "patientPattern">,
): RelatedPictures {
  const { files } = auditedSetOf(data, patientPattern === null ? {} : { patientPattern });
  const sets = new DisjointSets(files.length);
  const places = new Map(files.map(({ name }, i) => [name, i]));
  for (const [first, ...others] of audit?.groups ?? []) {
    const place = places.get(first ?? "");
    for (const other of others) {
      const there = places.get(other);
      if (place !== undefined && there !== undefined) sets.join(place, there);
    }
  }
  const patients = new Map<string, number>();
  files.forEach(({ patient }, i) => {
    if (patient === null) return;
    const first = patients.get(patient);
    if (first === undefined) patients.set(patient, i);
    else sets.join(first, i);
  });
  return new Map(sets.groups().flatMap((members, group) => members.map((i) => [files[i]!.path, group] as const)));
}

/** The groups of a split's pictures; undefined where every picture stands for itself, so that intervals need no bootstrap where one has none. */
export function groupsOf(paths: readonly string[], related: RelatedPictures): Group[] | undefined {
  const groups = paths.map((path) => related.get(path) ?? path);
  return new Set(groups).size < groups.length ? groups : undefined;
}
