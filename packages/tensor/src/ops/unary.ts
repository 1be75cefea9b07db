import { planUnary, planUnaryBackward, unaryBackwardUses, type UnaryOp } from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { FLOATS, floatType } from "../floats.ts";
import type { Tensor } from "../tensor.ts";

/** y = f(x), element by element, any shape. dx = dy * f'(x), from x or from y, whichever the kernel's row names. */
function unary(op: UnaryOp): (x: Tensor) => Tensor {
  const uses = unaryBackwardUses(op);
  const apply = defineOp({
    name: op,
    dtypes: FLOATS,
    forward(k, { x }: { x: Tensor }, _: undefined) {
      const y = x.emptyLike();
      k.run(planUnary({ op, count: x.size, dtype: floatType(x) }, k.limits), { x, y });
      return { y, saved: k.recording && uses ? { value: uses === "x" ? x : y } : {} };
    },
    backward(k, dy, saved: { value?: Tensor }) {
      const dx = dy.emptyLike();
      k.run(planUnaryBackward({ op, count: dy.size, dtype: floatType(dy) }, k.limits), {
        dy,
        dx,
        ...(saved.value && uses ? { [uses]: saved.value } : {}),
      });
      return { x: dx };
    },
  });
  return (x) => apply({ x }, undefined);
}

/** max(x, 0); the derivative at 0 is 0, as torch's. */
export const relu = unary("relu");
/** -x */
export const neg = unary("neg");
/** |x|; the derivative at 0 is 0, as torch's. */
export const abs = unary("abs");
/** x² */
export const square = unary("square");
/** 1 / x */
export const reciprocal = unary("reciprocal");
/** √x; NaN below 0. */
export const sqrt = unary("sqrt");
/** 1 / √x */
export const rsqrt = unary("rsqrt");
/** eˣ */
export const exp = unary("exp");
/** The natural logarithm; NaN below 0. */
export const log = unary("log");
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = unary("sigmoid");
/** The hyperbolic tangent. */
export const tanh = unary("tanh");
