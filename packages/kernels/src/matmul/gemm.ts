import type { FloatType, Gemm, ProductSide } from "../product/gemm.ts";
import type { MatmulGeometry } from "./matmul.ts";

/** The matrix product for the kernels with tiles in workgroup memory. */
export function matmulGemm(
  label: string,
  { m, n, k, transposeA = false, transposeB = false, bias = false }: MatmulGeometry,
  dtype: FloatType,
  out: FloatType,
): Gemm {
  // Sizes are data, in f32 all of them. f16 is worth vectors where the sizes allow it: those of rows in memory, which no batch is.
  const run = (width: number): number => (dtype === "f16" ? width : 1);
  return {
    label,
    m,
    n,
    k,
    dtype,
    a: matrixSide("a", "params.m", transposeA, run(transposeA ? m : k)),
    b: matrixSide("b", "params.n", !transposeB, run(transposeB ? k : n)),
    output: { array: "y", dtype: out, width: n, find: [], at: "row * params.n + column", bias },
  };
}

/** A plain matrix, stored [k, outer] or [outer, k]. */
function matrixSide(array: string, size: string, outerFast: boolean, run: number): ProductSide {
  return {
    array,
    along: outerFast ? "outer" : "k",
    run,
    outer: "outer",
    k: "k",
    limit: size,
    fixed: {},
    find: () => [],
    at: outerFast ? `k * ${size} + outer` : "outer * params.k + k",
    inside: outerFast ? `${size} - outer` : "end - k",
  };
}
