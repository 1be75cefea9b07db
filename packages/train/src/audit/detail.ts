import type { Picture } from "@fracture/resnet";

/** Height and width of the thumbnails that pictures are compared by. */
export const THUMBNAIL_SIDE = 64;
const AREA = THUMBNAIL_SIDE ** 2;

/**
 * A grey picture squeezed to 64 x 64 by the mean of each cell, whatever its aspect: [64, 64], 0 to 255. Turning or flipping the
 * picture turns or flips the thumbnail.
 */
export function thumbnailOf({ data, width, height }: Picture): Float32Array {
  const [columns, rows] = [cellsOf(width), cellsOf(height)];
  const narrow = new Float32Array(height * THUMBNAIL_SIDE);
  for (let y = 0; y < height; y++) {
    columns.forEach(({ first, weights }, x) => {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[y * width + first + k]!;
      narrow[y * THUMBNAIL_SIDE + x] = sum;
    });
  }
  const thumbnail = new Float32Array(AREA);
  rows.forEach(({ first, weights }, y) => {
    for (let k = 0; k < weights.length; k++) {
      const from = (first + k) * THUMBNAIL_SIDE;
      for (let x = 0; x < THUMBNAIL_SIDE; x++) thumbnail[y * THUMBNAIL_SIDE + x]! += weights[k]! * narrow[from + x]!;
    }
  });
  return thumbnail;
}

interface Cell {
  /** The first pixel that it covers. */
  readonly first: number;
  /** The share that it has of each pixel from there on, summing to 1. */
  readonly weights: readonly number[];
}

/** The cells of equal length that `length` pixels are divided into. */
function cellsOf(length: number): Cell[] {
  const step = length / THUMBNAIL_SIDE;
  return Array.from({ length: THUMBNAIL_SIDE }, (_, i) => {
    const [start, end] = [i * step, (i + 1) * step];
    const first = Math.floor(start);
    const last = Math.min(length, Math.ceil(end - 1e-9));
    const weights = Array.from({ length: Math.max(1, last - first) }, (_, k) => {
      const covered = Math.min(end, first + k + 1) - Math.max(start, first + k);
      return covered / step;
    });
    return { first, weights };
  });
}

/** Half the window, in cells, whose mean and contrast are taken out. */
const RADIUS = 4;
/** Added to a window's variance, in squared levels, so that the grain of a black border does not become a picture. */
const NOISE_VARIANCE = 16;
/** Below this deviation, in levels, a thumbnail shows nothing that two pictures could be compared by. */
const FLAT = 1;
/** Steps of a stored value to a standard deviation. */
const STEPS = 32;

/**
 * What is left of a thumbnail without its local mean and local contrast: edges and texture, in which two films of the same wrist differ
 * though their shapes are alike, and which brightness, contrast, compression and a smaller size hardly change. [64, 64] as whole numbers,
 * of mean 0 and deviation 32; null for a picture without any contrast.
 */
export function detailOf(thumbnail: Float32Array): Int8Array | null {
  if (deviation(thumbnail) < FLAT) return null;
  const mean = blurred(thumbnail);
  const high = thumbnail.map((value, i) => value - mean[i]!);
  const variance = blurred(high.map((value) => value * value));
  const even = high.map((value, i) => value / Math.sqrt(variance[i]! + NOISE_VARIANCE));
  const centre = even.reduce((sum, value) => sum + value, 0) / AREA;
  const scale = STEPS / Math.max(deviation(even), 1e-6);
  return Int8Array.from(even, (value) => Math.max(-127, Math.min(127, Math.round((value - centre) * scale))));
}

function deviation(values: Float32Array): number {
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / values.length - (sum / values.length) ** 2));
}

/** Mean of the window around each cell, the edge cells repeated outwards. */
function blurred(image: Float32Array): Float32Array {
  return blurredRows(transposed(blurredRows(transposed(image))));
}

function blurredRows(image: Float32Array): Float32Array {
  const out = new Float32Array(AREA);
  const last = THUMBNAIL_SIDE - 1;
  for (let row = 0; row < AREA; row += THUMBNAIL_SIDE) {
    for (let x = 0; x < THUMBNAIL_SIDE; x++) {
      let sum = 0;
      for (let k = -RADIUS; k <= RADIUS; k++) sum += image[row + Math.max(0, Math.min(last, x + k))]!;
      out[row + x] = sum / (2 * RADIUS + 1);
    }
  }
  return out;
}

function transposed(image: Float32Array): Float32Array {
  const out = new Float32Array(AREA);
  for (let i = 0; i < AREA; i++) {
    out[(i % THUMBNAIL_SIDE) * THUMBNAIL_SIDE + Math.floor(i / THUMBNAIL_SIDE)] = image[i]!;
  }
  return out;
}

/** Pearson's correlation of two details, -1 to 1. */
export function correlation(a: Int8Array, b: Int8Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < AREA; i++) {
    const [x, y] = [a[i]!, b[i]!];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb || 1);
}
