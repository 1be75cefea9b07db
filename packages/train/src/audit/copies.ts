import type { SplitName } from "../data/split.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { DisjointSets } from "../data/disjointSets.ts";
import { nearPairs } from "./nearPairs.ts";
import { SYMMETRY_NAMES, type Symmetry } from "./symmetry.ts";
import { turnedPairs, turnInWords } from "./turnedPairs.ts";

/** The same bytes; the same pixels in another file; or the same film, turned, smaller, recompressed, brighter. */
export type CopyKind = "file" | "pixels" | "near";

/** Two pictures of one film. */
export interface Copy {
  /** Indices. */
  readonly a: number;
  readonly b: number;
  readonly kind: CopyKind;
  /** Correlation of details, 1 for equal pixels. */
  readonly similarity: number;
  /** How `a` would have to be laid to lie as `b` does; empty where both lie alike. */
  readonly how: string;
}

interface Neighbour {
  /** A class of pictures with equal pixels. */
  readonly class: number;
  readonly similarity: number;
  /** How the one would have to be laid to lie as the neighbour does. */
  readonly how: string;
}

/** Turns by 90 and 270 degrees are each other's opposites; every other symmetry is its own. */
const INVERSE: readonly Symmetry[] = [0, 1, 2, 3, 4, 6, 5, 7];

/** Which pictures of a set show the same film. */
export class Copies {
  /** Pictures of one film, two and more each. */
  readonly groups: readonly (readonly number[])[];
  readonly #prints: readonly Fingerprint[];
  readonly #classOf: readonly number[];
  readonly #members: readonly (readonly number[])[];
  readonly #near: readonly (readonly Neighbour[])[];
  readonly #sets: DisjointSets;

  private constructor(
    prints: readonly Fingerprint[],
    classOf: readonly number[],
    members: readonly (readonly number[])[],
    near: readonly (readonly Neighbour[])[],
  ) {
    this.#prints = prints;
    this.#classOf = classOf;
    this.#members = members;
    this.#near = near;
    this.#sets = new DisjointSets(prints.length);
    for (const same of members) for (const member of same) this.#sets.join(same[0]!, member);
    near.forEach((neighbours, from) => {
      for (const { class: to } of neighbours) this.#sets.join(members[from]![0]!, members[to]![0]!);
    });
    this.groups = this.#sets.groups();
  }

  /** Throws the signal's reason where it aborts. */
  static async find(prints: readonly Fingerprint[], signal?: AbortSignal): Promise<Copies> {
    const numbers = new Map<string, number>();
    const members: number[][] = [];
    const classOf = prints.map(({ pixelHash }, i) => {
      const number = numbers.get(pixelHash) ?? numbers.size;
      if (number === numbers.size) {
        numbers.set(pixelHash, number);
        members.push([]);
      }
      members[number]!.push(i);
      return number;
    });
    const near: Neighbour[][] = members.map(() => []);
    const classes = members.map(([first]) => prints[first!]!);
    const options = signal ? { signal } : {};
    const known = new Set<string>();
    for (const { a, b, similarity, symmetry } of await nearPairs(classes, options)) {
      known.add(`${a} ${b}`);
      near[a]!.push({ class: b, similarity, how: SYMMETRY_NAMES[symmetry]! });
      near[b]!.push({ class: a, similarity, how: SYMMETRY_NAMES[INVERSE[symmetry]!]! });
    }
    for (const { a, b, similarity, mirrored, degrees } of await turnedPairs(classes, { ...options, known })) {
      near[a]!.push({ class: b, similarity, how: turnInWords(mirrored, degrees) });
      // Mirrored and turned is its own opposite.
      near[b]!.push({ class: a, similarity, how: turnInWords(mirrored, mirrored ? degrees : 360 - degrees) });
    }
    for (const neighbours of near) neighbours.sort((one, other) => other.similarity - one.similarity);
    return new Copies(prints, classOf, members, near);
  }

  /** A number that pictures of one group share. */
  groupOf(picture: number): number {
    return this.#sets.find(picture);
  }

  /** The picture among those that `accept` takes that `a` is most surely a copy of; null where there is none. */
  best(a: number, accept: (other: number) => boolean): Copy | null {
    const own = this.#classOf[a]!;
    const equal = this.#members[own]!.filter((b) => b !== a && accept(b));
    const b = equal.find((other) => this.#prints[other]!.fileHash === this.#prints[a]!.fileHash) ?? equal[0];
    if (b !== undefined) {
      const kind = this.#prints[b]!.fileHash === this.#prints[a]!.fileHash ? "file" : "pixels";
      return { a, b, kind, similarity: 1, how: "" };
    }
    for (const { class: other, similarity, how } of this.#near[own]!) {
      const found = this.#members[other]!.find(accept);
      if (found !== undefined) return { a, b: found, kind: "near", similarity, how };
    }
    return null;
  }

  /** Pictures that are labelled otherwise than a copy of theirs: each pair once. */
  contradictions(labels: readonly number[]): Copy[] {
    const seen = new Set<string>();
    return this.groups.flat().flatMap((a) => {
      const copy = this.best(a, (b) => labels[b] !== labels[a]);
      const key = copy && `${Math.min(a, copy.b)} ${Math.max(a, copy.b)}`;
      if (!copy || seen.has(key!)) return [];
      seen.add(key!);
      return [copy];
    });
  }

  /** For every picture of a split that has a copy in another split the surest one. */
  across(splits: readonly (SplitName | null)[], from: SplitName, to: SplitName): Copy[] {
    return this.groups
      .flat()
      .filter((a) => splits[a] === from)
      .sort((a, b) => a - b)
      .flatMap((a) => this.best(a, (b) => splits[b] === to) ?? []);
  }
}
