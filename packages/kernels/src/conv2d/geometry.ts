import { GeometryError } from "../errors.ts";
import { checkSizes } from "../plan.ts";
import type { FloatType } from "../product/gemm.ts";
import { storedBytes } from "../stored.ts";

export interface Conv2dSizes {
  /** Images, height, width and channels of x. */
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  /** Filters (output channels), their height and width. */
  readonly k: number;
  readonly r: number;
  readonly s: number;
  /** Both ways, or [down, across]. Default: 1. */
  readonly stride?: number | readonly [number, number];
  /** Rows of zeros above and below, columns of zeros left and right: both, or [rows, columns]. Default: 0. */
  readonly padding?: number | readonly [number, number];
}

/** A convolution: x [n, h, w, c] * w [k, r, s, c] -> y [n, outH, outW, k]. */
export interface Conv2dGeometry extends Omit<Conv2dSizes, "stride" | "padding"> {
  readonly strideH: number;
  readonly strideW: number;
  readonly padH: number;
  readonly padW: number;
  readonly outH: number;
  readonly outW: number;
}

/** Checks the sizes and derives the output's. Throws GeometryError naming the shapes of x and w. */
export function conv2dGeometry(sizes: Conv2dSizes): Conv2dGeometry {
  const { n, h, w, c, k, r, s, stride = 1, padding = 0 } = sizes;
  checkSizes("conv2d", { n, h, w, c, k, r, s });
  const [strideH, strideW] = typeof stride === "number" ? [stride, stride] : stride;
  const [padH, padW] = typeof padding === "number" ? [padding, padding] : padding;
  const shapes = { x: [n, h, w, c], w: [k, r, s, c], stride, padding };
  for (const value of [strideH, strideW])
    if (!Number.isSafeInteger(value) || value < 1)
      throw new GeometryError("conv2d", "the stride must be a positive integer", shapes);
  for (const value of [padH, padW])
    if (!Number.isSafeInteger(value) || value < 0)
      throw new GeometryError("conv2d", "the padding must be an integer, 0 or more", shapes);
  if (r > h + 2 * padH || s > w + 2 * padW)
    throw new GeometryError("conv2d", "the filter is larger than the padded image", shapes);
  const outH = Math.floor((h + 2 * padH - r) / strideH) + 1;
  const outW = Math.floor((w + 2 * padW - s) / strideW) + 1;
  return { n, h, w, c, k, r, s, strideH, strideW, padH, padW, outH, outW };
}

/** Bytes of x, w and y. */
export const conv2dBytes = (g: Conv2dGeometry, dtype: FloatType = "f32"): { x: number; w: number; y: number } => ({
  x: storedBytes(dtype, g.n * g.h * g.w * g.c),
  w: storedBytes(dtype, g.k * g.r * g.s * g.c),
  y: storedBytes(dtype, g.n * g.outH * g.outW * g.k),
});

/** Multiplications and additions, as every publication counts them: those with the padding included. */
export const conv2dFlop = (g: Conv2dGeometry): number => 2 * g.n * g.outH * g.outW * g.k * g.r * g.s * g.c;

/** "3x3/2": the filter and its stride, of either direction where they differ. */
export function describeFilter(g: Conv2dGeometry): string {
  const stride = g.strideH === g.strideW ? String(g.strideH) : `${g.strideH},${g.strideW}`;
  return `${g.r}x${g.s}/${stride}`;
}

/** "3x3/2 [8,56,56,64] -> 128" */
export const describeConv2d = (g: Conv2dGeometry): string =>
  `${describeFilter(g)} [${g.n},${g.h},${g.w},${g.c}] -> ${g.k}`;

/** The outputs along one axis that a phase of the input's gradient sees, and the taps of the filter that reach it. */
export interface Phase {
  /** Input positions first, first + stride, ...: `count` of them. */
  readonly first: number;
  readonly count: number;
  /** Taps tap, tap + stride, ...: `taps` of them, perhaps none. */
  readonly tap: number;
  readonly taps: number;
  /** Input position i of the phase and tap j of the phase meet at output i + offset - j. */
  readonly offset: number;
}

/**
 * Along one axis the input's gradient falls apart into `stride` independent sub-problems, by the position modulo the
 * stride: each meets only the taps of one residue, so none of them multiplies by zero.
 */
export function phases(size: number, filter: number, stride: number, padding: number): Phase[] {
  return Array.from({ length: Math.min(stride, size) }, (_, first) => {
    const tap = (first + padding) % stride;
    return {
      first,
      count: Math.ceil((size - first) / stride),
      tap,
      taps: Math.max(0, Math.ceil((filter - tap) / stride)),
      offset: (first + padding - tap) / stride,
    };
  });
}
