import {
  GeometryError,
  planGlobalAveragePool,
  planGlobalAveragePoolBackward,
  planMaxPool,
  planMaxPoolBackward,
  poolGeometry,
  type PoolGeometry,
} from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { ShapeError } from "../errors.ts";
import { FLOATS, floatType } from "../floats.ts";
import { checkRank } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** A square window. */
export interface MaxPoolOptions {
  /** Height and width of the window. */
  readonly kernelSize: number;
  /** Default: the kernel's size. */
  readonly stride?: number;
  /** Rows and columns of minus infinity on every side, half the kernel at the most. Default: 0. */
  readonly padding?: number;
}

/** dX is dY at the place in each window where the maximum was found (the first of equal ones, as torch), 0 elsewhere. */
const maxPoolOp = defineOp({
  name: "maxPool2d",
  dtypes: FLOATS,
  forward(k, { x }: { x: Tensor }, geometry: PoolGeometry) {
    const y = k.empty([geometry.n, geometry.outH, geometry.outW, geometry.c], geometry.dtype);
    const plan = planMaxPool(geometry, k.limits, { taps: k.recording });
    const taps = k.recording ? k.empty([plan.operands["taps"]! / 4], "u32") : null;
    k.run(plan, { x, y, ...(taps ? { taps } : {}) });
    return { y, saved: { geometry, taps } };
  },
  backward(k, dy, { geometry, taps }) {
    const dx = k.empty([geometry.n, geometry.h, geometry.w, geometry.c], geometry.dtype);
    k.run(planMaxPoolBackward(geometry, k.limits), { dy, taps: taps!, dx });
    return { x: dx };
  },
});

/** The largest value of each window, as torch's max_pool2d: [n, h, w, c] -> [n, outH, outW, c], outH = floor((h + 2 padding - kernelSize) / stride) + 1. */
export function maxPool2d(x: Tensor, { kernelSize, stride = kernelSize, padding = 0 }: MaxPoolOptions): Tensor {
  checkRank("maxPool2d", "x", x.shape, 4);
  const [n, h, w, c] = x.shape as [number, number, number, number];
  return maxPoolOp({ x }, checked({ n, h, w, c, kernel: kernelSize, stride, padding, dtype: floatType(x) }, x));
}

function checked(sizes: Parameters<typeof poolGeometry>[0], x: Tensor): PoolGeometry {
  try {
    return poolGeometry(sizes);
  } catch (error) {
    if (error instanceof GeometryError) throw new ShapeError("maxPool2d", error.message, { x: x.shape });
    throw error;
  }
}

/** y = the mean over the pixels; dX = dY / (h w) at every pixel. */
const globalAvgPoolOp = defineOp({
  name: "globalAvgPool",
  dtypes: FLOATS,
  forward(k, { x }: { x: Tensor }, _: undefined) {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const geometry = { n, h, w, c, dtype: floatType(x) };
    const y = k.empty([n, c], x.dtype);
    k.run(planGlobalAveragePool(geometry, k.limits), { x, y });
    return { y, saved: geometry };
  },
  backward(k, dy, geometry) {
    const { n, h, w, c, dtype } = geometry;
    const dx = k.empty([n, h, w, c], dtype);
    k.run(planGlobalAveragePoolBackward(geometry, k.limits), { dy, dx });
    return { x: dx };
  },
});

/** The mean over the picture, as torch's adaptive_avg_pool2d to 1 x 1 and flatten: [n, h, w, c] -> [n, c]. */
export function globalAvgPool(x: Tensor): Tensor {
  checkRank("globalAvgPool", "x", x.shape, 4);
  return globalAvgPoolOp({ x }, undefined);
}
