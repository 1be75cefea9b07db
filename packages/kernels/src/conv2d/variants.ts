import type { DeviceLimits } from "../limits.ts";
import type { PlanBody } from "../plan.ts";
import type { Accumulate, Epilogue } from "../product/epilogue.ts";
import type { FloatType } from "../product/gemm.ts";
import { rowLanes, ROWS } from "../product/lanes.ts";
import type { TileName } from "../product/matrices.ts";
import { sumSplitsPass } from "../product/sumSplits.ts";
import { cooperativeVariants, tiledVariants, type BuildInTiles, type Variant } from "../product/variants.ts";
import { forwardGemm, gradInputGemms, gradWeightGemm } from "./gemms.ts";
import { phases, type Conv2dGeometry } from "./geometry.ts";
import { rowsForward, rowsGradInput } from "./rows.ts";
import { rowsGradWeight } from "./rowsGradWeight.ts";

// The ways to compute a convolution's products, by rule the best first. The batch is in no rule: another one compiles nothing.

/** A larger tile where an image has enough rows to fill many. */
const squareTile = (rowsPerImage: number, columns: number): 64 | 128 =>
  rowsPerImage >= 784 && columns >= 128 ? 128 : 64;

/** Outputs of an image that fill so many large tiles that 32 images give every multiprocessor of a large GPU one. */
const ENOUGH_OUTPUTS = 49_152;

/** A tall tile for few columns, a large one where there are outputs enough, else a small one. */
function cooperativeTile(rowsPerImage: number, columns: number): TileName {
  if (rowsPerImage * columns < ENOUGH_OUTPUTS) return "small";
  return columns <= 64 ? "tall" : "large";
}

function inTiles(
  build: BuildInTiles,
  sides: Parameters<typeof cooperativeVariants>[1],
  tiles: { readonly tiled: 64 | 128; readonly cooperative: TileName },
  dtype: FloatType,
  limits: DeviceLimits,
): Variant[] {
  return [
    ...(dtype === "f16" ? cooperativeVariants(build, sides, tiles.cooperative, limits) : []),
    ...tiledVariants(build, tiles.tiled, limits),
  ];
}

/**
 * The kernels of a software device, where this is one. f16 is widened as it is laid out: on lavapipe that leaves subgroup
 * matrices and tiles several times behind, whose matrices and barriers are loops there.
 */
function inRows(limits: DeviceLimits, build: (lanes: number) => PlanBody): Variant[] {
  const lanes = rowLanes(limits);
  return lanes ? [{ variant: "rows", epilogueRows: ROWS, build: () => build(lanes) }] : [];
}

export function forwardVariants(
  g: Conv2dGeometry,
  dtype: FloatType,
  bias: boolean,
  epilogue: Epilogue | null,
  limits: DeviceLimits,
): Variant[] {
  const gemm = forwardGemm(g, dtype, bias, epilogue);
  const outputs = [g.outH * g.outW, g.k] as const;
  const tiles = { tiled: squareTile(...outputs), cooperative: cooperativeTile(...outputs) };
  return [
    ...inRows(limits, (lanes) => rowsForward(g, dtype, bias, lanes, limits, epilogue)),
    ...inTiles((_, pass) => ({ passes: [pass(gemm)], workspace: {} }), gemm, tiles, dtype, limits),
  ];
}

export function gradInputVariants(
  g: Conv2dGeometry,
  dtype: FloatType,
  epilogue: Accumulate | null,
  limits: DeviceLimits,
): Variant[] {
  const gemms = gradInputGemms(g, dtype, epilogue);
  const first = <T>([phase]: readonly T[]): T => phase!; // the largest
  const rows = first(phases(g.h, g.r, g.strideH, g.padH)).count * first(phases(g.w, g.s, g.strideW, g.padW)).count;
  const tiles = { tiled: squareTile(rows, g.c), cooperative: cooperativeTile(rows, g.c) };
  return [
    ...inRows(limits, (lanes) => rowsGradInput(g, dtype, lanes, limits, epilogue)),
    ...inTiles((_, pass) => ({ passes: gemms.map(pass), workspace: {} }), first(gemms), tiles, dtype, limits),
  ];
}

export function gradWeightVariants(g: Conv2dGeometry, dtype: FloatType, limits: DeviceLimits): Variant[] {
  const inner = g.r * g.s * g.c;
  const build: BuildInTiles = ({ rows, columns }, pass) => {
    const gemm = gradWeightGemm(g, dtype, rows, columns);
    const passes = [pass(gemm)];
    if (gemm.output.array === "dw") return { passes, workspace: {} };
    const { splits = 1 } = gemm;
    const count = g.k * inner;
    return {
      passes: [...passes, sumSplitsPass(`${gemm.label} sum`, "dw", count, splits, limits)],
      workspace: { partial: count * splits * 4 },
    };
  };
  const cooperative = g.k >= 128 && inner >= 128 ? "large" : "small";
  return [
    ...inRows(limits, (lanes) => rowsGradWeight(g, dtype, lanes, limits)),
    ...inTiles(build, gradWeightGemm(g, dtype, 64, 64), { tiled: 64, cooperative }, dtype, limits),
  ];
}
