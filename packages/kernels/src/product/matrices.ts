import type { DeviceLimits, MatrixSize } from "../limits.ts";

/** The matrix unit that products use: [M, K] x [K, N] in f16, summed in f32 by a subgroup of so many lanes. */
export interface MatrixUnit extends Pick<MatrixSize, "M" | "N" | "K"> {
  readonly lanes: number;
}

/** Elements of f16 in 16 bytes, which tiles are loaded and stored by. */
export const CHUNK = 8;

/**
 * The largest size of f16 subgroup matrices with f32 sums on offer; null where there is none, where the subgroups' size is
 * the driver's to choose (a workgroup could then not be divided beforehand), or where 16 bytes don't divide a matrix.
 */
export function matrixOf({ f16, subgroups, matrices }: DeviceLimits): MatrixUnit | null {
  if (!f16 || !subgroups || subgroups.min !== subgroups.max) return null;
  const volume = ({ M, N, K }: MatrixSize): number => M * N * K;
  const [largest] = matrices
    .filter(({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32")
    .filter(({ M, N, K }) => M % CHUNK === 0 && N % CHUNK === 0 && K % CHUNK === 0)
    .toSorted((one, other) => volume(other) - volume(one));
  return largest ? { M: largest.M, N: largest.N, K: largest.K, lanes: subgroups.min } : null;
}

/** How a workgroup computes its tile of outputs, counted in matrices, so that every device's unit has the same choices. */
export interface CooperativeTile {
  /** Subgroups of a workgroup, down and across. */
  readonly subgroups: readonly [number, number];
  /** Matrices of sums of a subgroup, down and across. More than 16 in all don't fit registers. */
  readonly matrices: readonly [number, number];
  /** Matrices deep. */
  readonly steps: number;
  /** Elements between a shared row and the next, a multiple of 8, so that a matrix's rows lie in different banks. Default: 8. */
  readonly skew?: number;
  /** Loads the next tiles into registers while these are multiplied. Default: true. */
  readonly prefetch?: boolean;
}

/** The sizes of a tile on a matrix unit, in elements. */
export interface TileSizes {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly threads: number;
}

export const tileSizes = (
  { M, N, K, lanes }: MatrixUnit,
  { subgroups, matrices, steps }: CooperativeTile,
): TileSizes => ({
  rows: subgroups[0] * matrices[0] * M,
  columns: subgroups[1] * matrices[1] * N,
  depth: steps * K,
  threads: subgroups[0] * subgroups[1] * lanes,
});

/** "128x128x32/4x2": rows, columns and depth of a tile, and its subgroups. */
export function describeTile(unit: MatrixUnit, tile: CooperativeTile): string {
  const { rows, columns, depth } = tileSizes(unit, tile);
  const { subgroups, skew = CHUNK, prefetch = true } = tile;
  const rest = [...(skew === CHUNK ? [] : [`skew ${skew}`]), ...(prefetch ? [] : ["no prefetch"])];
  return [`${rows}x${columns}x${depth}/${subgroups.join("x")}`, ...rest].join(", ");
}

/** Tiles by name, with their sizes for matrices of 16x16x16 and subgroups of 32. [estimate]s of Hopper until they are measured there. */
export const COOPERATIVE_TILES = {
  /** 128x128, 32 deep, 256 invocations, 8 matrices a subgroup. */
  large: { subgroups: [4, 2], matrices: [2, 4], steps: 2 },
  /** 256x128: a third fewer loads from shared memory for a multiplication, 16 matrices a subgroup. */
  huge: { subgroups: [4, 2], matrices: [4, 4], steps: 2 },
  /** 256x64, for few columns. */
  tall: { subgroups: [8, 1], matrices: [2, 4], steps: 2 },
  /** 64x64, 128 invocations, for few outputs. */
  small: { subgroups: [2, 2], matrices: [2, 2], steps: 2 },
  /** 128x128 by half the subgroups: the large one's memory and the huge one's loads. */
  wide: { subgroups: [2, 2], matrices: [4, 4], steps: 2 },
  /** 16x32 for matrices of 8x8x8: the least that has all parts of the kernel. */
  tiny: { subgroups: [2, 2], matrices: [1, 2], steps: 1 },
  /** 64 deep: half the barriers, twice the shared memory. */
  deep: { subgroups: [4, 2], matrices: [2, 4], steps: 4 },
  /** Without prefetch: fewer registers, so that more workgroups share a multiprocessor. */
  direct: { subgroups: [4, 2], matrices: [2, 4], steps: 2, prefetch: false },
} as const satisfies Readonly<Record<string, CooperativeTile>>;

export type TileName = keyof typeof COOPERATIVE_TILES;

/**
 * The tile by rule. Matrices as small as 8x8x8 are a software device's, whose compiler takes seconds for a larger one, and whose
 * caches serve any.
 */
export const ruledTile = ({ M, N, K }: MatrixUnit, name: TileName): CooperativeTile =>
  COOPERATIVE_TILES[M * N * K <= 512 ? "tiny" : name];
