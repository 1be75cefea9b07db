import {
  conv2dGeometry,
  GeometryError,
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
  planReduce,
  type ActivationType,
} from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { checkDType, ShapeError } from "../errors.ts";
import { FLOATS, inType, productType } from "../floats.ts";
import { checkRank } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** The same stride and padding for height and width. */
export interface Conv2dOptions {
  /** Default: 1. */
  readonly stride?: number;
  /** Rows and columns of zeros on every side. Default: 0. */
  readonly padding?: number;
  /** [out] */
  readonly bias?: Tensor;
}

type Inputs = { readonly x: Tensor; readonly w: Tensor; readonly bias?: Tensor };
type Settings = { readonly stride: number; readonly padding: number; readonly dtype: ActivationType };

/**
 *     Y = X * W + b         [N, H, W, C] * [K, R, S, C] -> [N, outH, outW, K]
 *     dX = dY * Wᵀ          dW = dYᵀ * X          db = the sum of dY over all but the channels
 *
 * X, W, Y and dX are read and written in `dtype`; dW and db are f32.
 */
const conv2dOp = defineOp({
  name: "conv2d",
  dtypes: FLOATS,
  forward(k, { x: given, w: weight, bias }: Inputs, { stride, padding, dtype }: Settings) {
    const [x, w] = [inType(k, given, dtype), inType(k, weight, dtype)];
    const geometry = geometryOf(x, w, stride, padding);
    if (bias && bias.shape.join() !== String(geometry.k))
      throw new ShapeError("conv2d", `the bias must have ${geometry.k} elements`, { w: w.shape, bias: bias.shape });
    const y = k.empty([geometry.n, geometry.outH, geometry.outW, geometry.k], dtype);
    const plan = planConv2dForward(geometry, k.limits, { bias: bias !== undefined, dtype });
    k.run(plan, { x, w, y, ...(bias ? { bias } : {}) });
    return { y, saved: { geometry, dtype, x: k.needs["w"] ? x : null, w: k.needs["x"] ? w : null } };
  },
  backward(k, dy, { geometry, dtype, x, w }) {
    const { n, h, w: width, c, r, s, outH, outW } = geometry;
    const dx = w ? k.empty([n, h, width, c], dtype) : null;
    if (w && dx) k.run(planConv2dGradInput(geometry, k.limits, { dtype }), { dy, w, dx });
    const dw = x ? k.empty([geometry.k, r, s, c]) : null;
    if (x && dw) k.run(planConv2dGradWeight(geometry, k.limits, { dtype }), { x, dy, dw });
    const db = k.needs["bias"] ? k.empty([geometry.k]) : null;
    const rows = { op: "sum", shape: [n * outH * outW, geometry.k], axes: [0], dtype } as const;
    if (db) k.run(planReduce(rows, k.limits), { x: dy, y: db });
    return { x: dx, w: dw, bias: db };
  },
});

function geometryOf(x: Tensor, w: Tensor, stride: number, padding: number): ReturnType<typeof conv2dGeometry> {
  checkRank("conv2d", "x", x.shape, 4);
  checkRank("conv2d", "w", w.shape, 4);
  const [n, h, width, c] = x.shape as [number, number, number, number];
  const [k, r, s, wc] = w.shape as [number, number, number, number];
  if (c !== wc) throw new ShapeError("conv2d", `x has ${c} channels but w expects ${wc}`, { x: x.shape, w: w.shape });
  try {
    return conv2dGeometry({ n, h, w: width, c, k, r, s, stride, padding });
  } catch (error) {
    if (error instanceof GeometryError) throw new ShapeError("conv2d", error.message, { x: x.shape, w: w.shape });
    throw error;
  }
}

/** Cross-correlation, as torch's conv2d, channels last: x [n, h, w, c], w [k, r, s, c] -> [n, outH, outW, k], outH = floor((h + 2 padding - r) / stride) + 1. x and w are both f32 or both f16, but for `autocast`; the bias is f32. */
export function conv2d(x: Tensor, w: Tensor, { stride = 1, padding = 0, bias }: Conv2dOptions = {}): Tensor {
  if (bias) checkDType("conv2d", "bias", bias.dtype, ["f32"]);
  const dtype = productType("conv2d", { x, w });
  return conv2dOp(bias ? { x, w, bias } : { x, w }, { stride, padding, dtype });
}
