import { planPermute } from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { ShapeError } from "../errors.ts";
import { floatType } from "../floats.ts";
import { sizeOf, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** The same elements in another shape. One size may be -1. dx = dy in x's shape; no kernel runs. */
const reshapeOp = defineOp({
  name: "reshape",
  dtypes: ["f32", "f16", "u32", "i32"],
  forward(_, { x }: { x: Tensor }, shape: Shape) {
    return { y: x.view(shape), saved: { shape: x.shape } };
  },
  backward: (_, dy, { shape }) => ({ x: dy.view(shape) }),
});

/** The same elements in another shape, in memory shared with x. One size may be -1: it follows from the others. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= -1 && size !== 0))
    throw new ShapeError("reshape", "every size must be a positive integer, but for one -1", { x: x.shape, shape });
  const known = sizeOf(shape.filter((size) => size !== -1));
  const free = shape.filter((size) => size === -1).length;
  if (free > 1 || (free === 1 && x.size % known !== 0))
    throw new ShapeError("reshape", "the number of elements must stay", { x: x.shape, shape });
  const resolved = shape.map((size) => (size === -1 ? x.size / known : size));
  if (sizeOf(resolved) !== x.size)
    throw new ShapeError("reshape", "the number of elements must stay", { x: x.shape, shape });
  return reshapeOp({ x }, resolved);
}

/** y[i_order[0], i_order[1], ..] = x[i0, i1, ..]. dx = dy permuted back. */
const permuteOp = defineOp({
  name: "permute",
  dtypes: ["f32", "f16", "u32", "i32"],
  forward(k, { x }: { x: Tensor }, order: readonly number[]) {
    const y = k.empty(
      order.map((axis) => x.shape[axis]!),
      x.dtype,
    );
    k.run(planPermute({ shape: x.shape, order, dtype: floatType(x) }, k.limits), { x, y }); // words of 32 bits, or halves
    return { y, saved: { order } };
  },
  backward(k, dy, { order }) {
    const inverse = order.map((_, axis) => order.indexOf(axis));
    const dx = dy.emptyLike(inverse.map((axis) => dy.shape[axis]!));
    k.run(planPermute({ shape: dy.shape, order: inverse, dtype: floatType(dy) }, k.limits), { x: dy, y: dx });
    return { x: dx };
  },
});

/** The dimensions in another order (a copy): `permute(x, [0, 2, 3, 1])` turns NCHW into NHWC. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  if (order.length !== x.shape.length || order.toSorted((a, b) => a - b).some((axis, i) => axis !== i)) {
    throw new ShapeError("permute", `[${order.join(",")}] must name every dimension once`, { x: x.shape });
  }
  return permuteOp({ x }, order);
}

/** Two dimensions exchanged (a copy), as torch's `transpose`; by default the last two: a matrix's rows and columns. */
export function transpose(x: Tensor, axisA = -2, axisB = -1): Tensor {
  const rank = x.shape.length;
  const [a, b] = [axisA, axisB].map((axis) => (axis < 0 ? axis + rank : axis)) as [number, number];
  if ([a, b].some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= rank))
    throw new ShapeError("transpose", `x has no axes ${axisA} and ${axisB}`, { x: x.shape });
  return permute(
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  );
}
