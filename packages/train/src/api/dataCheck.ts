import { auditedSetOf, nameIn, type PatientOptions } from "../audit/auditedSet.ts";
import { cachedAudit } from "../audit/cachedAudit.ts";
import type { DataAudit } from "../audit/checkData.ts";
import { filmsAmong } from "../audit/films.ts";
import type { LoadProgress } from "../data/loadPictures.ts";
import type { DataFolder } from "../data/folder.ts";
import type { SplitName } from "../data/split.ts";
import type { Metrics } from "../evaluate/metrics.ts";
import { metricsOf, type SplitOutcome } from "../evaluate/report.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { RunEvent } from "./events.ts";

/** A split's figures without the pictures that are copies of training pictures. */
export interface WithoutCopies {
  /** Pictures that were left out. */
  readonly copies: number;
  /** Null where none is left. */
  readonly metrics: Metrics | null;
}

export interface DataCheckOptions {
  readonly cacheFolder: string | null;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/** How a recipe tells whose pictures are. */
export const patientsOf = ({ patientPattern }: Pick<Recipe, "patientPattern">): PatientOptions =>
  patientPattern === null ? {} : { patientPattern };

/** Looks at the pictures of a run in the splits that they are in there, and tells what it found. */
export async function checkRunData(
  data: DataFolder,
  recipe: Recipe,
  { cacheFolder, signal, onEvent }: DataCheckOptions,
): Promise<DataAudit> {
  const set = auditedSetOf(data, patientsOf(recipe));
  const audit = await cachedAudit(set, {
    cacheFolder,
    signal,
    onProgress: (progress) => onEvent({ kind: "check", ...progress }),
  });
  onEvent({ kind: "audit", audit });
  return audit;
}

/** Which pictures show one film, for `readTrainingData`, which keeps them together where it splits. */
export function filmsOfRun({ cacheFolder, signal, onEvent }: DataCheckOptions) {
  const onProgress = (progress: LoadProgress): void => onEvent({ kind: "check", ...progress });
  return (paths: readonly string[]) => filmsAmong(paths, { cacheFolder, signal, onProgress });
}

/** The names of a split's pictures that are copies of training pictures. */
function copiesIn({ leaks }: DataAudit, split: SplitName): ReadonlySet<string> {
  const leak = leaks.find((one) => one.split === split && one.of === "train");
  return new Set(leak?.pairs.map(({ a }) => a));
}

/** Null where none is a copy. */
export function withoutCopies(outcome: SplitOutcome, audit: DataAudit, base: string): WithoutCopies | null {
  const { split, paths } = outcome;
  const copied = copiesIn(audit, split);
  const kept = paths.flatMap((path, i) => (copied.has(nameIn(base, path)) ? [] : [i]));
  const copies = paths.length - kept.length;
  if (copies === 0) return null;
  return { copies, metrics: kept.length === 0 ? null : metricsOf(outcome, kept) };
}

/** What `metrics.json` says besides, by split; nothing where no picture is a copy. */
export function withoutCopiesJson(
  found: Readonly<Partial<Record<SplitName, WithoutCopies | null>>>,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(found).filter(([, one]) => one !== null && one !== undefined);
  return entries.length === 0 ? {} : { withoutCopies: Object.fromEntries(entries) };
}
