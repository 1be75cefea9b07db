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
  const thumbnail = new Float32Array(AREA);
  // [width]: a row of cells before it is divided into them
  const band = new Float64Array(width);
  for (let y = 0; y < THUMBNAIL_SIDE; y++) {
    band.fill(0);
    for (let k = rows.starts[y]!, row = rows.firsts[y]!; k < rows.starts[y + 1]!; k++, row++) {
      const weight = rows.weights[k]!;
      const from = row * width;
      for (let x = 0; x < width; x++) band[x]! += weight * data[from + x]!;
    }
    for (let x = 0; x < THUMBNAIL_SIDE; x++) {
      let sum = 0;
      for (let k = columns.starts[x]!, at = columns.firsts[x]!; k < columns.starts[x + 1]!; k++, at++)
        sum += columns.weights[k]! * band[at]!;
      thumbnail[y * THUMBNAIL_SIDE + x] = sum;
    }
  }
  return thumbnail;
}

/** The cells of equal length that pixels in a row are divided into. */
interface Cells {
  /** [side] The first pixel that a cell covers. */
  readonly firsts: Int32Array;
  /** [side + 1] Where a cell's weights begin. */
  readonly starts: Int32Array;
  /** The share that a cell has of each of its pixels, summing to 1 in each cell. */
  readonly weights: Float64Array;
}

function cellsOf(length: number): Cells {
  const step = length / THUMBNAIL_SIDE;
  const firsts = new Int32Array(THUMBNAIL_SIDE);
  const starts = new Int32Array(THUMBNAIL_SIDE + 1);
  const weights: number[] = [];
  for (let i = 0; i < THUMBNAIL_SIDE; i++) {
    const [start, end] = [i * step, (i + 1) * step];
    const first = Math.floor(start);
    const last = Math.max(first + 1, Math.min(length, Math.ceil(end - 1e-9)));
    for (let at = first; at < last; at++) weights.push((Math.min(end, at + 1) - Math.max(start, at)) / step);
    firsts[i] = first;
    starts[i + 1] = weights.length;
  }
  return { firsts, starts, weights: Float64Array.from(weights) };
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
  const high = blurred(thumbnail);
  for (let i = 0; i < AREA; i++) high[i] = thumbnail[i]! - high[i]!;
  const even = blurred(high.map((value) => value * value));
  let sum = 0;
  for (let i = 0; i < AREA; i++) {
    even[i] = high[i]! / Math.sqrt(even[i]! + NOISE_VARIANCE);
    sum += even[i]!;
  }
  const centre = sum / AREA;
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
  const out = new Float32Array(AREA);
  const half = new Float64Array(AREA);
  for (let row = 0; row < AREA; row += THUMBNAIL_SIDE) blurLine(image, half, row, 1);
  for (let column = 0; column < THUMBNAIL_SIDE; column++) blurLine(half, out, column, THUMBNAIL_SIDE);
  return out;
}

/** One line of cells, `step` apart: a sum that slides along. */
function blurLine(from: ArrayLike<number>, to: Float32Array | Float64Array, start: number, step: number): void {
  const last = start + (THUMBNAIL_SIDE - 1) * step;
  const reach = RADIUS * step;
  let sum = (RADIUS + 1) * from[start]!;
  for (let k = 1; k <= RADIUS; k++) sum += from[start + k * step]!;
  for (let at = start; at <= last; at += step) {
    to[at] = sum / (2 * RADIUS + 1);
    sum += from[Math.min(last, at + reach + step)]! - from[Math.max(start, at - reach)]!;
  }
}
