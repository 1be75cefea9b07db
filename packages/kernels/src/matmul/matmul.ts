import { checkBindingSizes, F32_READ, F32_WRITE } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkSizes, type KernelPlan } from "../plan.ts";
import { rowLanes } from "../product/lanes.ts";
import { neighbours, tiledGemmPass, type TiledSide } from "../product/tiled.ts";
import { rowsMatmul } from "./rows.ts";

export interface MatmulGeometry {
  /** [m, k] x [k, n] -> [m, n]. All three are data: other sizes, the same WGSL. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored as [k, m]. Default: false. */
  readonly transposeA?: boolean;
  /** B is stored as [n, k], as the weight of torch's Linear. Default: false. */
  readonly transposeB?: boolean;
  /** Adds `bias` [n] to every row. Default: false. */
  readonly bias?: boolean;
}

/**
 * Y = op(A) op(B) + bias, f32. Operands `a`, `b`, (`bias`) and `y`, contiguous and row-major. Throws GeometryError for sizes
 * that aren't positive integers and DeviceLimitError for an operand that can't be bound.
 */
export function planMatmul(geometry: MatmulGeometry, limits: DeviceLimits): KernelPlan {
  const { m, n, k, transposeA = false, transposeB = false, bias = false } = geometry;
  checkSizes("matmul", { m, n, k });
  const name = `matmul ${transposeA ? "Aᵀ" : "A"}${transposeB ? "Bᵀ" : "B"} [${m},${k}]x[${k},${n}]`;
  const operands = { a: m * k * 4, b: k * n * 4, ...(bias ? { bias: n * 4 } : {}), y: m * n * 4 };
  checkBindingSizes(name, operands, limits);
  const flop = 2 * m * n * k + (bias ? m * n : 0);
  const bytes = Object.values(operands).reduce((sum, size) => sum + size, 0);
  const lanes = rowLanes(limits);
  if (lanes) {
    const { passes, workspace } = rowsMatmul(name, geometry, lanes, limits);
    checkBindingSizes(name, workspace, limits);
    return { name, operands, workspace, flop, bytes, passes };
  }
  const pass = tiledGemmPass(
    {
      label: name,
      m,
      n,
      k,
      bindings: { a: F32_READ, b: F32_READ, ...(bias ? { bias: F32_READ } : {}), y: F32_WRITE },
      a: matrixSide("A", "a", "params.m", transposeA),
      b: matrixSide("B", "b", "params.n", !transposeB),
      store: `fn store(row: u32, column: u32, split: u32, value: f32) { y[row * params.n + column] = value${bias ? " + bias[column]" : ""}; }`,
      tile: 64,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop, bytes, passes: [pass] };
}

/** Four elements of a plain matrix, stored [k, outer] or [outer, k]. */
function matrixSide(side: "A" | "B", array: string, size: string, outerFast: boolean): TiledSide {
  const four = outerFast
    ? neighbours(array, `k * ${size} + outer`, `${size} - outer`)
    : neighbours(array, "outer * params.k + k", "end - k");
  return {
    along: outerFast ? "outer" : "k",
    functions: `fn load${side}(outer: u32, k: u32, end: u32) -> vec4f {
  if (outer >= ${size} || k >= end) { return vec4f(); }
  return ${four};
}`,
  };
}
