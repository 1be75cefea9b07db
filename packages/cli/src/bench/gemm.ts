import type { ActivationType, MatmulGeometry } from "@fracture/kernels";
import type { Device } from "@fracture/tensor";
import type { Progress } from "../output/progress.ts";
import type { MeasureOptions } from "./measure.ts";
import { measureMatmul } from "./products.ts";
import type { BenchRow } from "./report.ts";
import { readMatmulShapes } from "./shapes.ts";

/** The size at which the transposed products are measured too: those of a linear layer's gradients. */
const TRANSPOSED_SIZE = 1024;

/** Square products A B of each size, and A Bᵀ and Aᵀ B of one; or those of a file. */
export async function gemmShapes({
  sizes,
  shapes,
}: {
  readonly sizes: readonly number[];
  readonly shapes?: string;
}): Promise<MatmulGeometry[]> {
  return shapes === undefined ? sizes.flatMap(squareProducts) : readMatmulShapes(shapes);
}

/** One row a product. */
export async function gemmRows(
  device: Device,
  shapes: readonly MatmulGeometry[],
  dtype: ActivationType,
  options: MeasureOptions,
  progress: Progress,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [i, shape] of shapes.entries()) {
    progress.update(`product ${i + 1} of ${shapes.length}: ${shape.m} x ${shape.k} x ${shape.n}`);
    rows.push(await measureMatmul(device, shape, options, dtype));
  }
  return rows;
}

function squareProducts(size: number): MatmulGeometry[] {
  const square = { m: size, n: size, k: size };
  return size === TRANSPOSED_SIZE
    ? [square, { ...square, transposeB: true }, { ...square, transposeA: true }]
    : [square];
}
