import { planArgmax, planBinary, planReduce, planScalar } from "@fracture/kernels";
import { defineOp, type OpContext } from "../autograd/defineOp.ts";
import { checkDType, ShapeError } from "../errors.ts";
import { noGrad } from "../autograd/noGrad.ts";
import { FLOATS, floatType } from "../floats.ts";
import { tidy } from "../scope.ts";
import { normalizeAxes, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { zeros } from "../create.ts";
import { cast } from "./cast.ts";

/** What is reduced, and what remains. */
export interface ReduceOptions {
  /** Dimensions to reduce; negative ones count from the end. Default: all. */
  readonly axes?: number | readonly number[];
  /** Keep reduced dimensions with size 1. Default: false. */
  readonly keepDims?: boolean;
}

interface Plan {
  readonly op: "sum" | "mean";
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** y = sum or mean of x over axes. dx = dy repeated, divided by the count for the mean. */
const reduceOp = defineOp({
  name: "reduce",
  dtypes: FLOATS,
  forward(k, { x }: { x: Tensor }, { op, axes, keepDims }: Plan) {
    const y = k.empty(reducedShape(x.shape, axes, keepDims));
    k.run(planReduce({ op, shape: x.shape, axes, dtype: floatType(x) }, k.limits), { x, y });
    return { y, saved: { shape: x.shape, kept: reducedShape(x.shape, axes, true), op } };
  },
  backward(k, dy, { shape, kept, op }) {
    const count = shape.reduce((n, size) => n * size, 1) / dy.size;
    const scaled = op === "mean" ? scale(k, dy, 1 / count) : dy;
    return { x: repeat(k, scaled.view(kept), shape) };
  },
});

function scale(k: OpContext, x: Tensor, factor: number): Tensor {
  const y = x.emptyLike();
  k.run(planScalar({ op: "affine", count: x.size, s: factor }, k.limits), { x, y });
  return y;
}

/** x repeated along its dimensions of size 1: x + zeros. */
function repeat(k: OpContext, x: Tensor, shape: Shape): Tensor {
  const y = k.empty(shape);
  const zero = noGrad(() => zeros(shape, { device: k.device }));
  k.run(planBinary({ op: "add", shapeA: x.shape, shapeB: shape }, k.limits), { a: x, b: zero, y });
  return y;
}

function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  return keepDims ? shape.map((size, i) => (axes.includes(i) ? 1 : size)) : shape.filter((_, i) => !axes.includes(i));
}

/** The sum over `axes` (all of them by default). Of f16 it is f32, as under torch.autocast. */
export function sum(x: Tensor, { axes, keepDims = false }: ReduceOptions = {}): Tensor {
  return reduceOp({ x }, { op: "sum", axes: normalizeAxes("sum", x.shape, axes), keepDims });
}

/** The mean over `axes` (all of them by default). Of f16 it is f32. */
export function mean(x: Tensor, { axes, keepDims = false }: ReduceOptions = {}): Tensor {
  return reduceOp({ x }, { op: "mean", axes: normalizeAxes("mean", x.shape, axes), keepDims });
}

/** The index of the largest value of the last dimension, [..., c] -> [...] u32; the first where several are equal. No gradient. */
export function argmax(x: Tensor): Tensor {
  const columns = x.shape.at(-1);
  if (columns === undefined) throw new ShapeError("argmax", "x must have a dimension", { x: x.shape });
  x.check("argmax");
  checkDType("argmax", "x", x.dtype, FLOATS);
  if (x.dtype === "f16") return tidy(() => argmax(noGrad(() => cast(x, "f32"))));
  const y = x.emptyLike(x.shape.slice(0, -1), "u32");
  x.device.run(planArgmax({ rows: x.size / columns, columns }, x.device.limits), { x, y });
  return y;
}
