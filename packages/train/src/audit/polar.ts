import { THUMBNAIL_SIDE } from "./detail.ts";

const RINGS = 20;
/** Directions in which a ring is looked at: a power of two. */
export const DIRECTIONS = 128;
/** Harmonics of a ring that are kept. */
const HARMONICS = 40;
/** The first of those, without the mean, that pairs are told apart by before they are compared. */
const TOLD_BY = 12;
const MIDDLE = (THUMBNAIL_SIDE - 1) / 2;
/** Cells, from the first ring to the last: what lies further out a turned picture has lost. */
const RADII = Array.from({ length: RINGS }, (_, ring) => 3 + (ring / (RINGS - 1)) * (0.45 * THUMBNAIL_SIDE - 3));
const COSINES = Float64Array.from({ length: DIRECTIONS }, (_, i) => Math.cos((2 * Math.PI * i) / DIRECTIONS));
const SINES = Float64Array.from({ length: DIRECTIONS }, (_, i) => Math.sin((2 * Math.PI * i) / DIRECTIONS));

/** A detail in rings about its middle: turning it by any angle turns the phases of its harmonics alone. */
export interface Polar {
  /** [RINGS, HARMONICS] of all one vector of length 1 */
  readonly real: Float32Array;
  readonly imaginary: Float32Array;
  /** [RINGS, TOLD_BY] How strong the harmonics are, beyond what ring and harmonic explain; of length 1. The same however it is turned or mirrored. */
  readonly strengths: Float32Array;
  /** Norms of what follows each part of the strengths. */
  readonly rests: Float64Array;
}

/** A detail (see `detailOf`) in rings; each counts by its length. */
export function polarOf(detail: Int8Array): Polar {
  const real = new Float32Array(RINGS * HARMONICS);
  const imaginary = new Float32Array(RINGS * HARMONICS);
  const ring = new Float64Array(DIRECTIONS);
  let energy = 0;
  RADII.forEach((radius, r) => {
    for (let a = 0; a < DIRECTIONS; a++)
      ring[a] = Math.sqrt(radius) * between(detail, MIDDLE + radius * COSINES[a]!, MIDDLE + radius * SINES[a]!);
    for (let k = 0; k < HARMONICS; k++) {
      let c = 0;
      let s = 0;
      for (let a = 0; a < DIRECTIONS; a++) {
        const angle = (k * a) & (DIRECTIONS - 1);
        c += ring[a]! * COSINES[angle]!;
        s -= ring[a]! * SINES[angle]!;
      }
      // A harmonic stands for its negative one, too.
      const twice = k === 0 ? 1 : Math.SQRT2;
      real[r * HARMONICS + k] = twice * c;
      imaginary[r * HARMONICS + k] = twice * s;
      energy += 2 ** Number(k > 0) * (c * c + s * s);
    }
  });
  const scale = 1 / Math.sqrt(energy || 1);
  for (let i = 0; i < real.length; i++) {
    real[i]! *= scale;
    imaginary[i]! *= scale;
  }
  const strengths = strengthsOf(real, imaginary);
  return { real, imaginary, strengths, rests: restsOf(strengths) };
}

/** Linear between four cells. */
function between(detail: Int8Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v, at] = [x - left, y - top, top * THUMBNAIL_SIDE + left];
  const upper = (1 - u) * detail[at]! + u * detail[at + 1]!;
  const lower = (1 - u) * detail[at + THUMBNAIL_SIDE]! + u * detail[at + THUMBNAIL_SIDE + 1]!;
  return (1 - v) * upper + v * lower;
}

function strengthsOf(real: Float32Array, imaginary: Float32Array): Float32Array {
  const out = new Float32Array(RINGS * TOLD_BY);
  const [rings, harmonics] = [new Float64Array(RINGS), new Float64Array(TOLD_BY)];
  let all = 0;
  for (let i = 0; i < out.length; i++) {
    const [r, k] = [Math.floor(i / TOLD_BY), i % TOLD_BY];
    const strength = Math.hypot(real[r * HARMONICS + k + 1]!, imaginary[r * HARMONICS + k + 1]!);
    out[i] = strength;
    rings[r]! += strength;
    harmonics[k]! += strength;
    all += strength;
  }
  let squares = 0;
  for (let i = 0; i < out.length; i++) {
    const expected = (rings[Math.floor(i / TOLD_BY)]! * harmonics[i % TOLD_BY]!) / (all || 1);
    out[i] = expected > 0 ? out[i]! / expected - 1 : 0;
    squares += out[i]! ** 2;
  }
  const scale = 1 / Math.sqrt(squares || 1);
  return out.map((value) => value * scale);
}

const PARTS = 6;
const PART = (RINGS * TOLD_BY) / PARTS;

/** Whether two pictures are as alike as `least` (up to 1) in what no turning changes. Most pairs are told by a part of it: what is left can't add more than its norms. */
export function alikeHoweverTurned(a: Polar, b: Polar, least: number): boolean {
  const [x, y] = [a.strengths, b.strengths];
  let sum = 0;
  for (let part = 0; part < PARTS; part++) {
    for (let i = part * PART; i < (part + 1) * PART; i++) sum += x[i]! * y[i]!;
    if (sum + a.rests[part]! * b.rests[part]! < least) return false;
  }
  return true;
}

/** [PARTS] The norm of what follows each part. */
function restsOf(strengths: Float32Array): Float64Array {
  const rests = new Float64Array(PARTS);
  let squares = 0;
  for (let part = PARTS - 1; part > 0; part--) {
    for (let i = part * PART; i < (part + 1) * PART; i++) squares += strengths[i]! ** 2;
    rests[part - 1] = Math.sqrt(squares);
  }
  return rests;
}

export interface Turn {
  /** Correlation of the two within the circle, -1 to 1. */
  readonly similarity: number;
  /** Whether the first has to be mirrored, left and right, before it is turned. */
  readonly mirrored: boolean;
  /** By how much, 0 to 360, clockwise. */
  readonly degrees: number;
}

/**
 * The turn after which two pictures are most alike: their correlation at every angle, by the products of their harmonics. Null where none reaches
 * `least`.
 */
export function bestTurn(a: Polar, b: Polar, least: number): Turn | null {
  const plain = turnOf(a, b, false, least);
  const mirror = turnOf(a, b, true, Math.max(least, plain?.similarity ?? 0));
  return mirror ?? plain;
}

function turnOf(a: Polar, b: Polar, mirrored: boolean, least: number): Turn | null {
  const real = new Float64Array(HARMONICS);
  const imaginary = new Float64Array(HARMONICS);
  // Mirrored top and bottom, directions run backwards: the harmonics are conjugates. Left and right is that, turned by half.
  const sign = mirrored ? -1 : 1;
  for (let i = 0, k = 0; i < a.real.length; i++, k = k + 1 === HARMONICS ? 0 : k + 1) {
    const ai = sign * a.imaginary[i]!;
    real[k]! += a.real[i]! * b.real[i]! + ai * b.imaginary[i]!;
    imaginary[k]! += ai * b.real[i]! - a.real[i]! * b.imaginary[i]!;
  }
  // Were all harmonics in phase at some angle.
  let most = 0;
  for (let k = 0; k < HARMONICS; k++) most += Math.sqrt(real[k]! ** 2 + imaginary[k]! ** 2);
  if (most < least) return null;
  let similarity = -1;
  let best = 0;
  for (let step = 0; step < DIRECTIONS; step++) {
    let sum = 0;
    for (let k = 0; k < HARMONICS; k++) {
      const angle = (k * step) & (DIRECTIONS - 1);
      sum += real[k]! * COSINES[angle]! + imaginary[k]! * SINES[angle]!;
    }
    if (sum <= similarity) continue;
    similarity = sum;
    best = step;
  }
  if (similarity < least) return null;
  const degrees = (360 * best) / DIRECTIONS + (mirrored ? 180 : 0);
  return { similarity, mirrored, degrees: degrees % 360 };
}
