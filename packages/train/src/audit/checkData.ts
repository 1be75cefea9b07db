import { CONVERSION_KINDS, CONVERSIONS } from "../data/conversions.ts";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import type { LoadProgress, UnreadablePicture } from "../data/loadPictures.ts";
import type { SplitName } from "../data/split.ts";
import { clustersOf } from "./clusters.ts";
import { Copies, type Copy, type CopyKind } from "./copies.ts";
import type { AuditedSet, PatientOptions } from "./auditedSet.ts";
import { summarise, type ClassSummary } from "./distributions.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { fingerprinted } from "./fingerprinted.ts";
import { oddity } from "./odd.ts";
import { splitPatients, type SplitPatient } from "./patients.ts";
import { shortcutsOf, type Shortcut } from "./shortcuts.ts";

/** Two pictures of one film, by their paths within the data folder. */
export interface CopyPair {
  readonly a: string;
  readonly b: string;
  readonly kind: CopyKind;
  readonly similarity: number;
  /** How `a` would have to be laid to lie as `b` does; empty where both lie alike. */
  readonly how: string;
}

/** Pictures of a split that are copies of pictures in another one. */
export interface Leak {
  readonly split: SplitName;
  readonly of: SplitName;
  /** Readable pictures of `split`. */
  readonly pictures: number;
  /** Those of them that have a copy in `of`; each is `a` of one pair, the surest. */
  readonly copies: number;
  /** Those that have the same pixels as their copy. */
  readonly exact: number;
  readonly pairs: readonly CopyPair[];
}

/** A pair whose labels contradict each other. */
export interface Contradiction extends CopyPair {
  readonly classA: string;
  readonly classB: string;
}

/** What a look at a data set finds before anything is trained on it. Plain data, ready for JSON; paths are within the data folder. */
export interface DataAudit {
  readonly root: string;
  readonly classes: readonly string[];
  /** That can be read. */
  readonly pictures: number;
  /** Of test in train, val in train, test in val; those without pictures of either are left out. */
  readonly leaks: readonly Leak[];
  readonly contradictions: readonly Contradiction[];
  /** Null where nothing says whose pictures they are. */
  readonly patients: { readonly unknown: number; readonly split: readonly SplitPatient[] } | null;
  readonly shortcuts: readonly Shortcut[];
  readonly unreadable: readonly UnreadablePicture[];
  readonly odd: readonly { readonly path: string; readonly what: string }[];
  /** What the loader did to pictures, how many of them it was done to, and the first of these. */
  readonly conversions: readonly { readonly what: string; readonly pictures: number; readonly example: string }[];
  /** Files that are no pictures, or in no class. */
  readonly ignored: readonly string[];
  readonly summary: readonly ClassSummary[];
  /** Pictures of one film. */
  readonly groups: readonly (readonly string[])[];
}

export interface CheckDataOptions extends PatientOptions {
  /** See `fingerprintsOf`. Default: where decoded pictures are kept. */
  readonly cacheFolder?: string | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

const LEAKS = [
  ["test", "train"],
  ["val", "train"],
  ["test", "val"],
] as const satisfies readonly (readonly [SplitName, SplitName])[];

/** Looks at the pictures of a set that was listed already: see `checkData`. */
export async function auditOf(set: AuditedSet, options: CheckDataOptions = {}): Promise<DataAudit> {
  const { cacheFolder = defaultPictureCacheFolder(), signal } = options;
  const { pictures, unreadable } = await fingerprinted(set.files, { ...options, cacheFolder });
  const copies = await Copies.find(
    pictures.map(({ print }) => print),
    signal,
  );
  const named = ({ a, b, ...how }: Copy): CopyPair => ({ a: pictures[a]!.name, b: pictures[b]!.name, ...how });
  const classOf = (i: number): string => set.classes[pictures[i]!.label]!;
  const labels = pictures.map(({ label }) => label);
  const clusters = clustersOf(pictures, copies);
  return {
    root: set.root,
    classes: set.classes,
    pictures: pictures.length,
    leaks: leaksOf(pictures, copies, named),
    contradictions: copies
      .contradictions(labels)
      .map((copy) => ({ ...named(copy), classA: classOf(copy.a), classB: classOf(copy.b) })),
    patients: set.patientsKnown
      ? { unknown: set.files.filter(({ patient }) => patient === null).length, split: splitPatients(set.files) }
      : null,
    shortcuts: shortcutsOf(
      pictures.map(({ print, label }, i) => ({ print, label, cluster: clusters[i]! })),
      set.classes,
    ),
    unreadable,
    odd: pictures.flatMap(({ name, print }) => {
      const what = oddity(name, print);
      return what === null ? [] : [{ path: name, what }];
    }),
    conversions: conversionsOf(pictures),
    ignored: set.ignored,
    summary: summarise(pictures, set.classes),
    groups: copies.groups.map((group) => group.map((i) => pictures[i]!.name)),
  };
}

interface Readable {
  readonly name: string;
  readonly label: number;
  readonly split: SplitName | null;
  readonly patient: string | null;
  readonly print: Fingerprint;
}

function conversionsOf(pictures: readonly Readable[]): DataAudit["conversions"] {
  return CONVERSION_KINDS.flatMap((kind) => {
    const found = pictures.filter(({ print }) => print.conversions.includes(kind));
    return found.length === 0 ? [] : [{ what: CONVERSIONS[kind], pictures: found.length, example: found[0]!.name }];
  });
}

function leaksOf(pictures: readonly Readable[], copies: Copies, named: (copy: Copy) => CopyPair): Leak[] {
  const splits = pictures.map(({ split }) => split);
  return LEAKS.flatMap(([split, of]) => {
    const count = splits.filter((name) => name === split).length;
    if (count === 0 || !splits.includes(of)) return [];
    const pairs = copies.across(splits, split, of).map(named);
    const exact = pairs.filter(({ kind }) => kind !== "near").length;
    return [{ split, of, pictures: count, copies: pairs.length, exact, pairs }];
  });
}
