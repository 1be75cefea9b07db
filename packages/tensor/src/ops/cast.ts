import { planCast, type DType } from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { noGrad } from "../autograd/noGrad.ts";
import { TensorError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";

const ALL: readonly DType[] = ["f32", "f16", "u32", "i32"];

/** y = x in another type; dx = dy in x's type. */
const castOp = defineOp({
  name: "cast",
  dtypes: ALL,
  forward(k, { x }: { x: Tensor }, dtype: DType) {
    const y = k.empty(x.shape, dtype);
    k.run(planCast({ from: x.dtype, to: dtype, count: x.size }, k.limits), { x, y });
    return { y, saved: { from: x.dtype } };
  },
  backward(k, dy, { from }) {
    const dx = k.empty(dy.shape, from);
    k.run(planCast({ from: dy.dtype, to: from, count: dy.size }, k.limits), { x: dy, y: dx });
    return { x: dx };
  },
});

/**
 * The same numbers in another type (a copy), in any shape, as torch's `x.to(dtype)`. To f16
 * rounds to the nearest; to u32 and i32 drops the fraction and stays within the type's range. Gradients pass between f32
 * and f16. Throws a TensorError for f16 on a device without it.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  x.check("cast");
  if ((dtype === "f16" || x.dtype === "f16") && !x.device.limits.f16)
    throw new TensorError("cast", "the device has no f16 (the feature shader-f16)");
  const floats = dtype === "f32" || dtype === "f16";
  return floats ? castOp({ x }, dtype) : noGrad(() => castOp({ x }, dtype));
}
