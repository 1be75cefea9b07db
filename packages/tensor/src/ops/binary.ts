import {
  broadcastAxes,
  broadcastShapes,
  GeometryError,
  planBinary,
  planFill,
  planScalar,
  type BinaryOp,
} from "@fracture/kernels";
import { defineOp, type OpContext } from "../autograd/defineOp.ts";
import { noGrad } from "../autograd/noGrad.ts";
import { ShapeError } from "../errors.ts";
import { FLOATS, floatType } from "../floats.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./cast.ts";
import { sum } from "./reduce.ts";
import { neg } from "./unary.ts";

interface Pair {
  readonly [key: string]: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
}

/** The gradients of a and b from dy, before they are summed over the repeated dimensions. */
type Rule = (k: OpContext, dy: Tensor, saved: { a: Tensor; b: Tensor }) => { a?: () => Tensor; b?: () => Tensor };

/** How an op with a number as b is done without a tensor for it. */
type Shortcut = (value: number) => { readonly scale?: number; readonly shift?: number };

function binary(op: BinaryOp, rule: Rule, shortcut?: Shortcut): (a: Tensor, b: Tensor | number) => Tensor {
  const apply = defineOp({
    name: op,
    dtypes: FLOATS,
    forward(k, { a, b }: Pair, _: undefined) {
      const y = k.empty(resultShape(op, a, b), a.dtype);
      k.run(planBinary({ op, shapeA: a.shape, shapeB: b.shape, dtype: floatType(a) }, k.limits), { a, b, y });
      return { y, saved: { a, b } };
    },
    backward(k, dy, saved) {
      const gradients = rule(k, dy, saved);
      return {
        a: k.needs["a"] && gradients.a ? unbroadcast(gradients.a(), saved.a) : null,
        b: k.needs["b"] && gradients.b ? unbroadcast(gradients.b(), saved.b) : null,
      };
    },
  });
  return (a, b) => {
    if (typeof b === "number" && shortcut) return affine(a, shortcut(b));
    if (typeof b !== "number") return sameType(a, b, (p, q) => apply({ a: p, b: q }, undefined));
    a.check(op);
    return tidy(() => apply({ a, b: scalarLike(a, b) }, undefined));
  };
}

/** a + b, with broadcasting as in numpy; `b` may be a number. Of f16 and f32 the result is f32, as in torch. */
export const add = binary(
  "add",
  (_, dy) => ({ a: () => dy, b: () => dy }),
  (shift) => ({ shift }),
);
/** a - b */
export const sub = binary(
  "sub",
  (_, dy) => ({ a: () => dy, b: () => neg(dy) }),
  (value) => ({ shift: -value }),
);
/** a * b */
export const mul = binary(
  "mul",
  (_, dy, { a, b }) => ({ a: () => mul(dy, b), b: () => mul(dy, a) }),
  (scale) => ({ scale }),
);
/** a / b. da = dy / b, db = -dy * a / b^2 */
export const div = binary(
  "div",
  (_, dy, { a, b }) => ({ a: () => div(dy, b), b: () => neg(div(mul(dy, a), mul(b, b))) }),
  (value) => ({ scale: 1 / value }),
);
/** The larger of a and b; a gradient goes to the larger, and half to each where they are equal, as torch's. */
export const maximum = binary("maximum", (_, dy, { a, b }) => ({
  a: () => mul(dy, wins(a, b, greater)),
  b: () => mul(dy, wins(b, a, greater)),
}));
/** The smaller of a and b, likewise. */
export const minimum = binary("minimum", (_, dy, { a, b }) => ({
  a: () => mul(dy, wins(a, b, less)),
  b: () => mul(dy, wins(b, a, less)),
}));
/** 1 where a > b, else 0 (f32). No gradient. */
export const greater = comparison("greater");
/** 1 where a < b, else 0 (f32). No gradient. */
export const less = comparison("less");
/** 1 where a = b, else 0 (f32). No gradient. */
export const equal = comparison("equal");

function comparison(op: "greater" | "less" | "equal"): (a: Tensor, b: Tensor | number) => Tensor {
  const apply = binary(op, () => ({}));
  return (a, b) => noGrad(() => apply(a, b));
}

/** 1 where a wins, 1/2 where they are equal, else 0. */
function wins(a: Tensor, b: Tensor, compare: (a: Tensor, b: Tensor) => Tensor): Tensor {
  return add(compare(a, b), mul(equal(a, b), 0.5));
}

/** relu(a + b) of equal shapes, in one kernel: the end of a residual block. da = db = y > 0 ? dy : 0 */
const addReluOp = defineOp({
  name: "addRelu",
  dtypes: FLOATS,
  forward(k, { a, b }: Pair, _: undefined) {
    if (a.shape.join() !== b.shape.join())
      throw new ShapeError("addRelu", "a and b must have the same shape", { a: a.shape, b: b.shape });
    const y = a.emptyLike();
    const geometry = { op: "addRelu", shapeA: [a.size], shapeB: [b.size], dtype: floatType(a) } as const;
    k.run(planBinary(geometry, k.limits), { a, b, y });
    return { y, saved: { y } };
  },
  backward(k, dy, { y }) {
    const dx = dy.emptyLike();
    const geometry = { op: "reluBackward", shapeA: [y.size], shapeB: [dy.size], dtype: floatType(dy) } as const;
    k.run(planBinary(geometry, k.limits), { a: y, b: dy, y: dx });
    return { a: dx, b: k.needs["b"] ? dx.view() : null };
  },
});

/** relu(a + b), in one kernel. */
export const addRelu = (a: Tensor, b: Tensor): Tensor => sameType(a, b, (p, q) => addReluOp({ a: p, b: q }, undefined));

/** x * scale + shift with two numbers. dx = dy * scale */
const affineOp = defineOp({
  name: "affine",
  dtypes: FLOATS,
  forward(k, { x }: { x: Tensor }, { scale, shift }: { readonly scale: number; readonly shift: number }) {
    const y = x.emptyLike();
    k.run(planScalar({ op: "affine", count: x.size, s: scale, t: shift, dtype: floatType(x) }, k.limits), { x, y });
    return { y, saved: { scale } };
  },
  backward(k, dy, { scale }) {
    const dx = dy.emptyLike();
    k.run(planScalar({ op: "affine", count: dy.size, s: scale, t: 0, dtype: floatType(dy) }, k.limits), {
      x: dy,
      y: dx,
    });
    return { x: dx };
  },
});

/** x * scale + shift, with numbers. */
export const affine = (x: Tensor, options: { readonly scale?: number; readonly shift?: number }): Tensor =>
  affineOp({ x }, { scale: options.scale ?? 1, shift: options.shift ?? 0 });

function resultShape(op: string, a: Tensor, b: Tensor): number[] {
  try {
    return broadcastShapes(op, a.shape, b.shape);
  } catch (error) {
    if (error instanceof GeometryError)
      throw new ShapeError(op, "shapes can't be broadcast together", { a: a.shape, b: b.shape });
    throw error;
  }
}

/** Sums a gradient over the dimensions along which its operand was repeated. */
function unbroadcast(gradient: Tensor, operand: Tensor): Tensor {
  const axes = broadcastAxes(operand.shape, gradient.shape);
  const summed = axes.length > 0 ? sum(gradient, { axes }) : gradient;
  return summed.shape.join() === operand.shape.join() ? summed : summed.view(operand.shape);
}

function scalarLike(a: Tensor, value: number): Tensor {
  const scalar = a.emptyLike([], "f32");
  a.device.run(planFill({ count: 1, value }, a.device.limits), { y: scalar });
  return a.dtype === "f16" ? cast(scalar, "f16") : scalar;
}

/** Of f16 and f32, f16 becomes f32. */
function sameType(a: Tensor, b: Tensor, apply: (a: Tensor, b: Tensor) => Tensor): Tensor {
  if (a.dtype === b.dtype || ![a, b].every(({ dtype }) => FLOATS.includes(dtype))) return apply(a, b);
  const widened = (x: Tensor): Tensor => (x.dtype === "f16" ? cast(x, "f32") : x);
  return tidy(() => apply(widened(a), widened(b)));
}
