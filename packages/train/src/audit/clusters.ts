import type { Copies } from "./copies.ts";
import { DisjointSets } from "../data/disjointSets.ts";

/** A number for each picture that those of one film or one patient share: the least index among them. */
export function clustersOf(pictures: readonly { readonly patient: string | null }[], copies: Copies): number[] {
  const sets = new DisjointSets(pictures.length);
  const firstOf = new Map<string, number>();
  pictures.forEach(({ patient }, i) => {
    sets.join(copies.groupOf(i), i);
    if (patient === null) return;
    if (!firstOf.has(patient)) firstOf.set(patient, i);
    sets.join(firstOf.get(patient)!, i);
  });
  return pictures.map((_, i) => sets.find(i));
}
