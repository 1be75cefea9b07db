import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import type { KernelPass, PlanBody } from "../plan.ts";
import { cooperativeFits, cooperativeGemmPass } from "./cooperative.ts";
import type { Gemm } from "./gemm.ts";
import { COOPERATIVE_TILES, describeTile, matrixOf, ruledTile, tileSizes, type TileName } from "./matrices.ts";
import { tiledGemmPass, type SquareTile } from "./tiled.ts";

/** One way to compute a product, not written yet. */
export interface Variant {
  /** Its name in `Choices`; its first word is its family. */
  readonly variant: string;
  /** Rows of outputs of a workgroup, of which the epilogue `statistics` leaves the moments; null where the kernel takes no epilogue. */
  readonly epilogueRows: number | null;
  readonly build: () => PlanBody;
}

/** Writes a plan of matrix products for a tile of outputs, given what writes each of them. */
export type BuildInTiles = (
  tile: { readonly rows: number; readonly columns: number },
  pass: (gemm: Gemm) => KernelPass,
) => PlanBody;

/** The kernels with tiles in workgroup memory, the one by rule first. */
export function tiledVariants(build: BuildInTiles, first: SquareTile, limits: DeviceLimits): Variant[] {
  return ([first, first === 64 ? 128 : 64] as const).map((tile) => ({
    variant: `tiled${tile}`,
    epilogueRows: tile,
    build: () => build({ rows: tile, columns: tile }, (gemm) => tiledGemmPass(gemm, tile, limits)),
  }));
}

/**
 * The kernels on subgroup matrices with the tiles that this device has room for, the one by rule first; none where it has no
 * such matrices. A software device has the one by rule alone: none is fast there, and each takes its compiler seconds.
 */
export function cooperativeVariants(
  build: BuildInTiles,
  sides: Pick<Gemm, "a" | "b">,
  first: TileName,
  limits: DeviceLimits,
): Variant[] {
  const unit = matrixOf(limits);
  if (!unit) return [];
  const others = limits.deviceClass === "cpu" ? [] : Object.values(COOPERATIVE_TILES);
  return [...new Set([ruledTile(unit, first), ...others])]
    .filter((tile) => cooperativeFits(sides, unit, tile, limits))
    .map((tile) => ({
      variant: `cooperative ${describeTile(unit, tile)}`,
      epilogueRows: tileSizes(unit, tile).rows,
      build: () => build(tileSizes(unit, tile), (gemm) => cooperativeGemmPass(gemm, unit, tile, limits)),
    }));
}

/**
 * The wanted variant, by its name or its family ("tiled", "cooperative", "rows"); else the one that was measured to be the
 * fastest here; else the first. Throws GeometryError where the wanted one is not among them.
 */
export function chooseVariant(
  key: string,
  variants: readonly Variant[],
  wanted: string | undefined,
  { choices }: DeviceLimits,
): Variant {
  if (wanted !== undefined) {
    const found =
      variants.find(({ variant }) => variant === wanted) ??
      variants.find(({ variant }) => /^[a-z]+/.exec(variant)![0] === wanted);
    if (!found) {
      const known = variants.map(({ variant }) => variant);
      throw new GeometryError(key, "this device has no such variant", { wanted, known });
    }
    return found;
  }
  return variants.find(({ variant }) => variant === choices?.[key]) ?? variants[0]!;
}
