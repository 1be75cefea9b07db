import { planMatmul, planReduce } from "@fracture/kernels";
import { defineOp, type OpContext } from "../autograd/defineOp.ts";
import { ShapeError } from "../errors.ts";
import { checkRank } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Which side is stored transposed: `b` [n, k] with `transposeB`. Default: neither. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

type Inputs = { readonly a: Tensor; readonly b: Tensor; readonly bias?: Tensor };

/**
 * Y = op(A) op(B) + bias       [m, k] x [k, n] -> [m, n]
 * With A and B as stored, untransposed: dA = dY·Bᵀ, dB = Aᵀ·dY, dbias = the sum of dY over its rows.
 */
const matmulOp = defineOp({
  name: "matmul",
  forward(
    k,
    { a, b, bias }: Inputs,
    { transposeA, transposeB }: { readonly transposeA: boolean; readonly transposeB: boolean },
  ) {
    checkRank("matmul", "a", a.shape, 2);
    checkRank("matmul", "b", b.shape, 2);
    const [m, inner] = transposeA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
    const [innerB, n] = transposeB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
    if (inner !== innerB)
      throw new ShapeError("matmul", `the inner sizes ${inner} and ${innerB} must be equal`, {
        a: a.shape,
        b: b.shape,
      });
    if (bias && bias.shape.join() !== String(n))
      throw new ShapeError("matmul", `the bias must have ${n} elements`, { bias: bias.shape });
    const y = k.empty([m, n]);
    product(k, a, b, y, { transposeA, transposeB }, bias);
    return {
      y,
      saved: {
        a: k.needs["b"] ? a : null,
        b: k.needs["a"] ? b : null,
        shapeA: a.shape,
        shapeB: b.shape,
        transposeA,
        transposeB,
      },
    };
  },
  backward(k, dy, { a, b, shapeA, shapeB, transposeA, transposeB }) {
    const da = b ? k.empty(shapeA) : null;
    // Stored A is op(A) or its transpose: dA = dY·op(B)ᵀ, or op(B)·dYᵀ.
    if (b && da) {
      if (transposeA) product(k, b, dy, da, { transposeA: transposeB, transposeB: true });
      else product(k, dy, b, da, { transposeA: false, transposeB: !transposeB });
    }
    const db = a ? k.empty(shapeB) : null;
    if (a && db) {
      if (transposeB) product(k, dy, a, db, { transposeA: true, transposeB: transposeA });
      else product(k, a, dy, db, { transposeA: !transposeA, transposeB: false });
    }
    const dbias = k.needs["bias"] ? k.empty([dy.shape[1]!]) : null;
    if (dbias) k.run(planReduce({ op: "sum", shape: dy.shape, axes: [0] }, k.limits), { x: dy, y: dbias });
    return { a: da, b: db, bias: dbias };
  },
});

function product(
  k: OpContext,
  a: Tensor,
  b: Tensor,
  y: Tensor,
  { transposeA, transposeB }: Required<MatmulOptions>,
  bias?: Tensor,
): void {
  const [m, n] = y.shape as [number, number];
  const inner = transposeA ? a.shape[0]! : a.shape[1]!;
  k.run(planMatmul({ m, n, k: inner, transposeA, transposeB, bias: bias !== undefined }, k.limits), {
    a,
    b,
    y,
    ...(bias ? { bias } : {}),
  });
}

/** The matrix product [m, k] x [k, n] -> [m, n]; either side may be stored transposed. */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  return matmulOp({ a, b }, { transposeA, transposeB });
}

/** x wᵀ + bias, as torch's `linear`: x [n, in], w [out, in], bias [out] -> [n, out]. */
export function linear(x: Tensor, w: Tensor, bias?: Tensor): Tensor {
  checkRank("linear", "x", x.shape, 2);
  checkRank("linear", "w", w.shape, 2);
  const [out, features] = w.shape as [number, number];
  if (x.shape[1] !== features)
    throw new ShapeError("linear", `x has ${x.shape[1]} features but w expects ${features}`, {
      x: x.shape,
      w: w.shape,
    });
  if (bias && bias.shape.join() !== String(out))
    throw new ShapeError("linear", `the bias must have ${out} elements`, { w: w.shape, bias: bias.shape });
  return matmulOp(bias ? { a: x, b: w, bias } : { a: x, b: w }, { transposeA: false, transposeB: true });
}
