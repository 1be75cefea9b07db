import { checkPicture, PreprocessingError, type Picture } from "./picture.ts";

/** A rectangle of pixels. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface ResizeOptions {
  readonly width: number;
  readonly height: number;
  /** The part of the resized picture that is wanted; the rest is never computed. Default: all of it. */
  readonly window?: Window;
}

// Pillow leaves 8 bits for the pixel and 2 for the overshoot of sharper filters than this one.
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** What one axis of the output reads: output i is the sum of weights[i·taps + k] · input[first[i] + k] for k < count[i]. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly taps: number;
}

/**
 * Bilinear resize with antialiasing, bit for bit Pillow's `Image.resize(size, BILINEAR)`: the triangle filter widens with
 * the scale when shrinking; weights in fixed point; horizontal pass first, rounded to 8 bits, then the vertical one.
 * With a window, bit for bit the crop of that.
 *
 * Source: Pillow, src/libImaging/Resample.c.
 *
 * @throws PreprocessingError for sizes that are no positive integers, and windows beyond the picture
 */
export function resizeBilinear(picture: Picture, options: ResizeOptions): Picture {
  checkPicture("resizeBilinear", picture);
  const { width, height } = options;
  const window = options.window ?? { x: 0, y: 0, width, height };
  checkWindow(options, window);
  const { channels } = picture;
  const columns = width === picture.width ? null : tapsOf(picture.width, width, window.x, window.width);
  const rows = height === picture.height ? null : tapsOf(picture.height, height, window.y, window.height);
  // Only rows that the vertical pass reads go through the horizontal one.
  const top = rows ? rows.first[0]! : window.y;
  const bottom = rows ? rows.first[window.height - 1]! + rows.count[window.height - 1]! : window.y + window.height;
  const source = picture.data.subarray(top * picture.width * channels, bottom * picture.width * channels);
  const across = columns
    ? resizeColumns(source, picture.width, channels, columns)
    : cutColumns(source, picture.width, channels, window);
  const data = rows ? resizeRows(across, window.width * channels, rows, top) : across;
  return { data, width: window.width, height: window.height, channels };
}

function checkWindow({ width, height }: ResizeOptions, window: Window): void {
  const { x, y } = window;
  const integers = [width, height, x, y, window.width, window.height].every(Number.isInteger);
  const inside = x >= 0 && y >= 0 && x + window.width <= width && y + window.height <= height;
  if (integers && inside && window.width > 0 && window.height > 0) return;
  throw new PreprocessingError(
    "resizeBilinear",
    `no window of ${window.width} x ${window.height} pixels at (${x}, ${y}) in a picture of ${width} x ${height}`,
  );
}

/** Weights of `wanted` outputs from `from` on, where `input` pixels become `output`. */
function tapsOf(input: number, output: number, from: number, wanted: number): Taps {
  const scale = input / output;
  const filterScale = Math.max(scale, 1);
  const support = filterScale; // the triangle reaches 1 to each side
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(wanted);
  const count = new Int32Array(wanted);
  const weights = new Int32Array(wanted * taps);
  const raw = new Float64Array(taps);
  const perPixel = 1 / filterScale;
  for (let i = 0; i < wanted; i++) {
    const center = (from + i + 0.5) * scale;
    // The casts of the original cut towards 0.
    const low = Math.max(Math.trunc(center - support + 0.5), 0);
    const high = Math.min(Math.trunc(center + support + 0.5), input);
    let sum = 0;
    for (let k = 0; k < high - low; k++) {
      const weight = Math.max(1 - Math.abs((k + low - center + 0.5) * perPixel), 0);
      raw[k] = weight;
      sum += weight;
    }
    first[i] = low;
    count[i] = high - low;
    for (let k = 0; k < high - low; k++) {
      weights[i * taps + k] = Math.trunc(0.5 + (raw[k]! / sum) * (1 << PRECISION_BITS));
    }
  }
  return { first, count, weights, taps };
}

// Weights are positive and sum to 1, so that sums need no clipping to 8 bits, and fit 31.

function resizeColumns(source: Uint8Array, width: number, channels: 1 | 3, columns: Taps): Uint8Array {
  return channels === 1 ? greyColumns(source, width, columns) : rgbColumns(source, width, columns);
}

function greyColumns(source: Uint8Array, width: number, { first, count, weights, taps }: Taps): Uint8Array {
  const rows = source.length / width;
  const out = new Uint8Array(rows * first.length);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < first.length; i++) {
      const from = row * width + first[i]!;
      const end = i * taps + count[i]!;
      let sum = HALF;
      for (let w = i * taps, s = from; w < end; w++, s++) sum = (sum + Math.imul(source[s]!, weights[w]!)) | 0;
      out[at++] = sum >> PRECISION_BITS;
    }
  }
  return out;
}

function rgbColumns(source: Uint8Array, width: number, { first, count, weights, taps }: Taps): Uint8Array {
  const rows = source.length / (3 * width);
  const out = new Uint8Array(rows * first.length * 3);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < first.length; i++) {
      const from = 3 * (row * width + first[i]!);
      const end = i * taps + count[i]!;
      let [r, g, b] = [HALF, HALF, HALF];
      for (let w = i * taps, s = from; w < end; w++, s += 3) {
        const weight = weights[w]!;
        r = (r + Math.imul(source[s]!, weight)) | 0;
        g = (g + Math.imul(source[s + 1]!, weight)) | 0;
        b = (b + Math.imul(source[s + 2]!, weight)) | 0;
      }
      out[at++] = r >> PRECISION_BITS;
      out[at++] = g >> PRECISION_BITS;
      out[at++] = b >> PRECISION_BITS;
    }
  }
  return out;
}

/** Whole rows are added up one after the other: memory is read in order. `source` begins with row `top`. */
function resizeRows(
  source: Uint8Array,
  stride: number,
  { first, count, weights, taps }: Taps,
  top: number,
): Uint8Array {
  const out = new Uint8Array(stride * first.length);
  const sums = new Int32Array(stride);
  for (let i = 0; i < first.length; i++) {
    sums.fill(HALF);
    for (let k = 0; k < count[i]!; k++) {
      const from = (first[i]! + k - top) * stride;
      const weight = weights[i * taps + k]!;
      for (let x = 0; x < stride; x++) sums[x] = (sums[x]! + Math.imul(source[from + x]!, weight)) | 0;
    }
    for (let x = 0; x < stride; x++) out[i * stride + x] = sums[x]! >> PRECISION_BITS;
  }
  return out;
}

function cutColumns(source: Uint8Array, width: number, channels: number, window: Window): Uint8Array {
  if (window.width === width) return source.slice();
  const rows = source.length / (width * channels);
  const stride = window.width * channels;
  const out = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    const from = (row * width + window.x) * channels;
    out.set(source.subarray(from, from + stride), row * stride);
  }
  return out;
}
