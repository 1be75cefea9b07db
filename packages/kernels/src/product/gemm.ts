import type { Param } from "../plan.ts";
import type { Epilogue } from "./epilogue.ts";

/** Element types of activations: what products read, and what they may write. Sums are f32 either way. */
export type FloatType = "f32" | "f16";

/**
 * A side of a product, [m, k] or [k, n], as the kernels with tiles in workgroup memory read it. Where an element lies is
 * WGSL; each kernel puts it into a loader for its own number of neighbours. "outer" is the row of A, or the column of B.
 */
export interface ProductSide {
  /** The bound array. */
  readonly array: string;
  /** Neighbours in memory are neighbours along k, or along outer. */
  readonly along: "k" | "outer";
  /** Runs of neighbours begin at a multiple of this many elements and are as long as a multiple of it: one load may read so many. */
  readonly run: number;
  /** The names of the indices in the WGSL below: u32. */
  readonly outer: string;
  readonly k: string;
  /** Outer indices from here on are outside of the matrix. */
  readonly limit: string;
  /** Up to three u32 that depend on `outer` alone, by name, so that a loop over k need not compute them again. */
  readonly fixed: Readonly<Record<string, string>>;
  /** True where a tiled kernel repeats the expressions of `fixed` instead of naming them. */
  readonly inlined?: boolean;
  /**
   * Statements that find an element, given the expressions of `fixed`, and a k that has the same filter tap; `zero` is what
   * they return for one in the padding.
   */
  readonly find: (fixed: Readonly<Record<string, string>>, tap: string, zero: string) => readonly string[];
  /** The index of the element in the array. */
  readonly at: string;
  /** Elements from `at` on that belong to its run, itself included; null where that is more work than finding each of them. */
  readonly inside: string | null;
}

/** The result of a product: its columns are neighbours. */
export interface ProductOutput {
  readonly array: string;
  readonly dtype: FloatType;
  /** Columns. */
  readonly width: number;
  /** Statements of (row, split), then where (row, column) of the result lies in the array. */
  readonly find: readonly string[];
  readonly at: string;
  /** Adds `bias` [n], f32. */
  readonly bias: boolean;
  /** What becomes of the values; default: they are stored. */
  readonly epilogue?: Epilogue | null;
}

/** C = A B: what the kernels with tiles in workgroup memory need to know. */
export interface Gemm {
  readonly label: string;
  /** Sizes of the product, [m, k] x [k, n]. They are data: params.m, params.n, params.k. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Pieces of k with an output each; default 1. */
  readonly splits?: number;
  /** The operands' type. */
  readonly dtype: FloatType;
  readonly a: ProductSide;
  readonly b: ProductSide;
  readonly output: ProductOutput;
}

/** The piece of k of a split: a multiple of the tile's depth. */
export const chunkOf = ({ k, splits = 1 }: Gemm, depth: number): number =>
  Math.ceil(Math.ceil(k / splits) / depth) * depth;

/** The params of a product in tiles. */
export const gemmParams = (gemm: Gemm, depth: number, rows: number, columns: number): Record<string, Param> => ({
  m: { u32: gemm.m },
  n: { u32: gemm.n },
  k: { u32: gemm.k },
  chunk: { u32: chunkOf(gemm, depth) },
  rows: { u32: rows },
  columns: { u32: columns },
  splits: { u32: gemm.splits ?? 1 },
});

/** WGSL: which tile of outputs a workgroup computes, and which piece of k; workgroups past the last return. */
export const ownTile = (tileRows: number, tileColumns: number): string =>
  `  let group = wid.y * nwg.x + wid.x;
  if (group >= params.rows * params.columns * params.splits) { return; }
  let column0 = group % params.columns * ${tileColumns}u;
  let row0 = group / params.columns % params.rows * ${tileRows}u;
  let split = group / (params.columns * params.rows);
  let end = min(params.k, (split + 1u) * params.chunk);`;
