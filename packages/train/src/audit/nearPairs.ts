import { THUMBNAIL_SIDE } from "./detail.ts";
import { correlationFrom, measured, type MeasuredDetail } from "./similarity.ts";
import { popCount, turnedHashes, type StructureHash } from "./structureHash.ts";
import { SYMMETRIES, turned, type Symmetry } from "./symmetry.ts";

/** What pictures are compared by. */
export interface Comparable {
  readonly structure: StructureHash;
  readonly detail: Int8Array | null;
}

/** Two pictures that show the same film. */
export interface NearPair {
  /** Indices, a < b. */
  readonly a: number;
  readonly b: number;
  /** Correlation of their details, 0 to 1. */
  readonly similarity: number;
  /** What makes `a` lie as `b` does. */
  readonly symmetry: Symmetry;
}

/**
 * Bits of 63 by which hashes may differ for a closer look. Copies differ by 9 at the most where they were halved in brightness,
 * compressed and made smaller; among different films one pair in a hundred is as near.
 */
const HASH_DISTANCE = 14;
/**
 * Correlation of details from which two pictures show one film: between that of copies (above 0.92) and that of different films (below
 * 0.55). `docs/results.md` has the measurement.
 */
export const SAME_FILM = 0.85;

/** Comparisons between two chances for other work, such as Ctrl-C. */
const COMPARISONS_A_TURN = 4_000_000;

export interface NearPairsOptions {
  readonly signal?: AbortSignal;
}

/**
 * All pairs of the same film, however one was turned by 90 degrees, mirrored, made smaller or larger, squeezed, recompressed, or had its brightness
 * changed; turned by other angles `turnedPairs` finds it; cropped, it may not be found. Every pair is compared, by 63 bits under eight symmetries:
 * some 10 ns each.
 */
export async function nearPairs(
  pictures: readonly Comparable[],
  { signal }: NearPairsOptions = {},
): Promise<NearPair[]> {
  const low = Uint32Array.from(pictures, ({ structure }) => structure.low);
  const high = Uint32Array.from(pictures, ({ structure }) => structure.high);
  const details = pictures.map(({ detail }) => detail && measured(detail));
  const found: NearPair[] = [];
  let compared = 0;
  for (const [a, picture] of pictures.entries()) {
    if (!picture.detail) continue;
    const turns = turnedHashes(picture.structure);
    const turnedDetails = new Map<Symmetry, MeasuredDetail>();
    const detailUnder = (symmetry: Symmetry): MeasuredDetail => {
      const made = turnedDetails.get(symmetry) ?? measured(turned(picture.detail!, THUMBNAIL_SIDE, symmetry));
      turnedDetails.set(symmetry, made);
      return made;
    };
    const best = new Map<number, NearPair>();
    for (const symmetry of SYMMETRIES) {
      const { low: l, high: h } = turns[symmetry]!;
      for (let b = a + 1; b < low.length; b++) {
        if (popCount(l ^ low[b]!) + popCount(h ^ high[b]!) > HASH_DISTANCE) continue;
        const other = details[b];
        if (!other) continue;
        const similarity = correlationFrom(SAME_FILM, detailUnder(symmetry), other);
        if (similarity === null || similarity <= (best.get(b)?.similarity ?? 0)) continue;
        best.set(b, { a, b, similarity, symmetry });
      }
    }
    found.push(...[...best.values()].sort((one, two) => one.b - two.b));
    compared += SYMMETRIES.length * (low.length - a);
    if (compared > COMPARISONS_A_TURN) {
      compared = 0;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
  }
  return found;
}
