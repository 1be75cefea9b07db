import { THUMBNAIL_SIDE } from "./detail.ts";
import { SYMMETRIES, type Symmetry } from "./symmetry.ts";

/** Frequencies a side. */
const ORDER = 8;

/** 63 bits in two words of 32; the bit of the mean is always 0. */
export interface StructureHash {
  readonly low: number;
  readonly high: number;
}

/** [ORDER, side]: cosines of the discrete cosine transform (DCT-II), without factors, which no sign depends on. */
const COSINES = Float64Array.from({ length: ORDER * THUMBNAIL_SIDE }, (_, i) => {
  const [frequency, place] = [Math.floor(i / THUMBNAIL_SIDE), i % THUMBNAIL_SIDE];
  return Math.cos((Math.PI * (2 * place + 1) * frequency) / (2 * THUMBNAIL_SIDE));
});

/**
 * A thumbnail's coarse structure: the signs of the 8 x 8 lowest frequencies of its cosine transform but for the mean's (a "perceptual
 * hash"; Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, takes them against their median). A sign
 * outlasts whatever scales levels or shifts them.
 */
export function structureHash(thumbnail: Float32Array): StructureHash {
  // [ORDER, side]: columns transformed
  const half = new Float64Array(ORDER * THUMBNAIL_SIDE);
  for (let u = 0; u < ORDER; u++) {
    for (let y = 0; y < THUMBNAIL_SIDE; y++) {
      const cosine = COSINES[u * THUMBNAIL_SIDE + y]!;
      for (let x = 0; x < THUMBNAIL_SIDE; x++) {
        half[u * THUMBNAIL_SIDE + x]! += cosine * thumbnail[y * THUMBNAIL_SIDE + x]!;
      }
    }
  }
  return hashOf((u, v) => {
    let sum = 0;
    for (let x = 0; x < THUMBNAIL_SIDE; x++) {
      sum += half[u * THUMBNAIL_SIDE + x]! * COSINES[v * THUMBNAIL_SIDE + x]!;
    }
    return sum > 0;
  });
}

/**
 * The hashes that the picture would have under each symmetry, in their order. They follow from the one: mirroring turns the sign of every odd
 * frequency in that direction, swapping rows and columns swaps the frequencies.
 */
export function turnedHashes(hash: StructureHash): StructureHash[] {
  return SYMMETRIES.map((symmetry) => hashOf((u, v) => bitUnder(hash, symmetry, u, v)));
}

function bitUnder(hash: StructureHash, symmetry: Symmetry, u: number, v: number): boolean {
  const bit = symmetry & 4 ? bitOf(hash, v, u) : bitOf(hash, u, v);
  const swaps = (symmetry & 2 ? u : 0) + (symmetry & 1 ? v : 0);
  return bit !== (swaps % 2 === 1);
}

function bitOf({ low, high }: StructureHash, u: number, v: number): boolean {
  const place = u * ORDER + v;
  return (((place < 32 ? low : high) >>> (place % 32)) & 1) === 1;
}

function hashOf(bit: (u: number, v: number) => boolean): StructureHash {
  let [low, high] = [0, 0];
  for (let place = 1; place < ORDER * ORDER; place++) {
    if (!bit(Math.floor(place / ORDER), place % ORDER)) continue;
    if (place < 32) low |= 1 << place;
    else high |= 1 << (place - 32);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

/** Set bits of a word of 32 (Warren, Hacker's Delight, 5-1). */
export function popCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
