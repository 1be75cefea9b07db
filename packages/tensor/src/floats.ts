import { planCast, type ActivationType, type DType } from "@fracture/kernels";
import { autocastEnabled } from "./autograd/autocast.ts";
import type { OpContext } from "./autograd/defineOp.ts";
import { checkDType, TensorError } from "./errors.ts";
import type { Tensor } from "./tensor.ts";

/** The types that gradients are taken in. */
export const FLOATS: readonly DType[] = ["f32", "f16"];

/** A float tensor's type, for the kernels. */
export const floatType = ({ dtype }: Tensor): ActivationType => (dtype === "f16" ? "f16" : "f32");

/**
 * The type that a product computes on: f16 under `autocast`, else that of its operands. Throws a TensorError where they differ, and
 * for f16 on a device without it.
 */
export function productType(op: string, operands: Readonly<Record<string, Tensor>>): ActivationType {
  const [[first, a], [second, b]] = Object.entries(operands) as [[string, Tensor], [string, Tensor]];
  for (const [name, { dtype }] of Object.entries(operands)) checkDType(op, name, dtype, FLOATS);
  if (!autocastEnabled()) {
    if (a.dtype !== b.dtype)
      throw new TensorError(
        op,
        `${first} is ${a.dtype} and ${second} is ${b.dtype}: cast one of them, or use autocast`,
      );
    return floatType(a);
  }
  if (!a.device.limits.f16)
    throw new TensorError(op, "autocast needs f16, which the device hasn't got (the feature shader-f16)");
  return "f16";
}

/** A float tensor in the type that a kernel reads: itself, its f16 copy, or a cast of it. The caller doesn't own it. */
export function inType(k: OpContext, x: Tensor, dtype: ActivationType): Tensor {
  if (x.dtype === dtype) return x;
  if (dtype === "f16" && x.half) return x.half;
  const y = k.empty(x.shape, dtype);
  k.run(planCast({ from: x.dtype, to: dtype, count: x.size }, k.limits), { x, y });
  return y;
}
