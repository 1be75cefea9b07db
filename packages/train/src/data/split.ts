import { createHash } from "node:crypto";
import { DisjointSets } from "./disjointSets.ts";

export const SPLITS = ["train", "val", "test"] as const;
export type SplitName = (typeof SPLITS)[number];
/** Names that a split may have, in any case. */
export const SPLIT_NAMES: Readonly<Record<string, SplitName>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  test: "test",
  testing: "test",
};

export type Fractions = Readonly<Record<SplitName, number>>;

/** 8 : 1 : 1. */
export const DEFAULT_FRACTIONS: Fractions = { train: 0.8, val: 0.1, test: 0.1 };

/** A split that can't be made as wished: wrong usage or input, exit code 2. */
export class SplitError extends Error {
  override readonly name = "SplitError";
  readonly exitCode = 2;
}

export interface SplitItem {
  readonly label: number;
  /** Items of one group, a patient's, never part. */
  readonly group: string;
}

export interface SplitOptions {
  readonly seed: number;
  readonly fractions: Fractions;
  /** Names of the labels, for messages. */
  readonly classes: readonly string[];
}

/**
 * Deals items out to splits: at random by seed, each class in the wished fractions (at least one item of each class to every
 * split that is wished at all), groups whole. Depends on nothing but the seed, the groups' names and their members: not on the order of
 * the items. Items of their own groups hit the fractions exactly, up to rounding.
 *
 * @returns the split of every item
 * @throws SplitError for fractions that make no sense, and classes with too few items or groups
 */
export function splitItems(items: readonly SplitItem[], { seed, fractions, classes }: SplitOptions): SplitName[] {
  checkFractions(fractions);
  const counts = countLabels(items, classes.length);
  const targets = classes.map((name, label) => shares(name, counts[label]!, fractions));
  const remaining = targets.map((target) => ({ ...target }));
  const chosen = new Map<string, SplitName>();
  for (const { group, members } of shuffledGroups(items, classes.length, seed)) {
    const split = choose(members, targets, remaining);
    chosen.set(group, split);
    members.forEach((count, label) => (remaining[label]![split] -= count));
  }
  const assigned = items.map(({ group }) => chosen.get(group)!);
  for (const split of SPLITS.filter((name) => fractions[name] > 0)) {
    const inSplit = countLabels(
      items.filter((_, i) => assigned[i] === split),
      classes.length,
    );
    const missing = classes.filter((_, label) => inSplit[label] === 0);
    if (missing.length === 0) continue;
    throw new SplitError(
      `no patient or film is left to give ${split} a picture of ${missing.map((name) => `"${name}"`).join(", ")}: ` +
        `there are ${chosen.size} in all, whose pictures don't part; another seed or fewer splits may do`,
    );
  }
  return assigned;
}

/**
 * Items with their groups joined where `together` says so: sets of indices that are not to part, such as copies of one film. A joined
 * group is named after the first of its groups in the order of names; every other group keeps its name, and so its place in a split.
 */
export function joinGroups<T extends SplitItem>(items: readonly T[], together: readonly (readonly number[])[]): T[] {
  const names = [...new Set(items.map(({ group }) => group))].sort();
  const places = new Map(names.map((name, i) => [name, i]));
  const sets = new DisjointSets(names.length);
  for (const [first, ...others] of together)
    for (const other of others) sets.join(places.get(items[first!]!.group)!, places.get(items[other]!.group)!);
  return items.map((item) => ({ ...item, group: names[sets.find(places.get(item.group)!)]! }));
}

function checkFractions(fractions: Fractions): void {
  const values = SPLITS.map((split) => fractions[split]);
  const sum = values.reduce((a, b) => a + b, 0);
  if (values.every((value) => value >= 0) && fractions.train > 0 && Math.abs(sum - 1) < 1e-6) return;
  const shown = SPLITS.map((split) => `${split} ${fractions[split]}`).join(", ");
  throw new SplitError(`fractions must be at least 0, train's more, and sum to 1, got ${shown}`);
}

function countLabels(items: readonly SplitItem[], classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const { label } of items) counts[label]! += 1;
  return counts;
}

/** How many of `count` items each split is to get. */
function shares(name: string, count: number, fractions: Fractions): Record<SplitName, number> {
  const share = (split: SplitName): number =>
    fractions[split] > 0 ? Math.max(1, Math.round(count * fractions[split])) : 0;
  const [val, test] = [share("val"), share("test")];
  const train = count - val - test;
  if (train >= 1) return { train, val, test };
  const wished = SPLITS.filter((split) => fractions[split] > 0);
  throw new SplitError(
    `class "${name}" has ${count} ${count === 1 ? "picture" : "pictures"}, too few to be split into ${wished.join(", ")}`,
  );
}

interface Group {
  readonly group: string;
  /** Items per label. */
  readonly members: readonly number[];
}

/** The groups in the order of their hashes with the seed. */
function shuffledGroups(items: readonly SplitItem[], classes: number, seed: number): Group[] {
  const groups = new Map<string, SplitItem[]>();
  for (const item of items) {
    const members = groups.get(item.group);
    if (members) members.push(item);
    else groups.set(item.group, [item]);
  }
  return Array.from(groups, ([group, members]) => ({
    group,
    members: countLabels(members, classes),
    key: createHash("sha256").update(`${seed}\0${group}`).digest("hex"),
  })).sort((a, b) => (a.key < b.key ? -1 : 1));
}

type Shares = Readonly<Record<SplitName, number>>;

/** The split that is furthest from full, for this group's classes, among those that the group fits; among all where it fits none. */
function choose(members: readonly number[], targets: readonly Shares[], remaining: readonly Shares[]): SplitName {
  const wished = SPLITS.filter((split) => targets[0]![split] > 0);
  const labels = members.map((_, label) => label).filter((label) => members[label]! > 0);
  const fits = wished.filter((split) => labels.every((label) => remaining[label]![split] >= members[label]!));
  const need = (split: SplitName): number =>
    labels.reduce((sum, label) => sum + (members[label]! * remaining[label]![split]) / targets[label]![split], 0);
  return (fits.length > 0 ? fits : wished).reduce((best, split) => (need(split) > need(best) ? split : best));
}

/**
 * Whose a picture is, by its path: what a pattern's group "patient", or its first one, holds; null where the pattern doesn't match.
 *
 * @throws SplitError for a pattern that is no regular expression, or has no group
 */
export function patientFromPattern(pattern: string): (path: string) => string | null {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, "u");
  } catch (error) {
    throw new SplitError(`"${pattern}" is no regular expression (${error instanceof Error ? error.message : ""})`);
  }
  // With an empty alternative it matches anything, and shows how many groups there are.
  if (new RegExp(`${pattern}|`, "u").exec("")!.length < 2) {
    throw new SplitError(`"${pattern}" has no group for the patient, such as in "^(\\d+)_"`);
  }
  return (path) => {
    const match = expression.exec(path);
    return match?.groups?.["patient"] ?? match?.[1] ?? null;
  };
}
