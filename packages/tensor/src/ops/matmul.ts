import { planMatmul, planReduce, type ActivationType } from "@fracture/kernels";
import { defineOp, type OpContext } from "../autograd/defineOp.ts";
import { checkDType, ShapeError } from "../errors.ts";
import { FLOATS, floatType, inType, productType } from "../floats.ts";
import { checkRank } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Which side is stored transposed: `b` [n, k] with `transposeB`. Default: neither. */
export interface MatmulOptions extends ProductOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** What a product gives. */
export interface ProductOptions {
  /** The result's type. Default: that of the operands; f16 under `autocast`. Sums are f32 either way: logits are best had as f32. */
  readonly out?: ActivationType;
}

interface Settings {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** What is multiplied. */
  readonly dtype: ActivationType;
  readonly out: ActivationType;
}

type Inputs = { readonly a: Tensor; readonly b: Tensor; readonly bias?: Tensor };

/**
 * Y = op(A) op(B) + bias       [m, k] x [k, n] -> [m, n]
 * With A and B as stored, untransposed: dA = dY·Bᵀ, dB = Aᵀ·dY, dbias = the sum of dY over its rows.
 */
const matmulOp = defineOp({
  name: "matmul",
  dtypes: FLOATS,
  forward(k, { a: givenA, b: givenB, bias }: Inputs, { transposeA, transposeB, dtype, out }: Settings) {
    const [a, b] = [inType(k, givenA, dtype), inType(k, givenB, dtype)];
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
    const y = k.empty([m, n], out);
    product(k, a, b, y, { transposeA, transposeB }, bias);
    return {
      y,
      saved: {
        a: k.needs["b"] ? a : null,
        b: k.needs["a"] ? b : null,
        shapeA: a.shape,
        shapeB: b.shape,
        typeA: floatType(givenA),
        typeB: floatType(givenB),
        transposeA,
        transposeB,
      },
    };
  },
  backward(k, given, { a, b, shapeA, shapeB, typeA, typeB, transposeA, transposeB }) {
    const dy = inType(k, given, floatType(a ?? b ?? given));
    const da = b ? k.empty(shapeA, typeA) : null;
    // Stored A is op(A) or its transpose: dA = dY·op(B)ᵀ, or op(B)·dYᵀ.
    if (b && da) {
      if (transposeA) product(k, b, dy, da, { transposeA: transposeB, transposeB: true });
      else product(k, dy, b, da, { transposeA: false, transposeB: !transposeB });
    }
    const db = a ? k.empty(shapeB, typeB) : null;
    if (a && db) {
      if (transposeB) product(k, dy, a, db, { transposeA: true, transposeB: transposeA });
      else product(k, a, dy, db, { transposeA: !transposeA, transposeB: false });
    }
    const dbias = k.needs["bias"] ? k.empty([dy.shape[1]!]) : null;
    const rows = { op: "sum", shape: given.shape, axes: [0], dtype: floatType(given) } as const;
    if (dbias) k.run(planReduce(rows, k.limits), { x: given, y: dbias });
    return { a: da, b: db, bias: dbias };
  },
});

function product(
  k: OpContext,
  a: Tensor,
  b: Tensor,
  y: Tensor,
  { transposeA, transposeB }: Pick<Settings, "transposeA" | "transposeB">,
  bias?: Tensor,
): void {
  const [m, n] = y.shape as [number, number];
  const inner = transposeA ? a.shape[0]! : a.shape[1]!;
  const geometry = { m, n, k: inner, transposeA, transposeB, bias: bias !== undefined };
  const plan = planMatmul(geometry, k.limits, { dtype: floatType(a), out: floatType(y) });
  k.run(plan, { a, b, y, ...(bias ? { bias } : {}) });
}

/**
 * The matrix product [m, k] x [k, n] -> [m, n]; either side may be stored transposed. Both are f32 or both f16, but for
 * `autocast`.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const dtype = productType("matmul", { a, b });
  const { transposeA = false, transposeB = false, out = dtype } = options;
  return matmulOp({ a, b }, { transposeA, transposeB, dtype, out });
}

/** x wᵀ + bias, as torch's `linear`: x [n, in], w [out, in], bias [out], f32 -> [n, out]. */
export function linear(x: Tensor, w: Tensor, bias?: Tensor, options: ProductOptions = {}): Tensor {
  checkRank("linear", "x", x.shape, 2);
  checkRank("linear", "w", w.shape, 2);
  const [outputs, features] = w.shape as [number, number];
  if (x.shape[1] !== features)
    throw new ShapeError("linear", `x has ${x.shape[1]} features but w expects ${features}`, {
      x: x.shape,
      w: w.shape,
    });
  if (bias && bias.shape.join() !== String(outputs))
    throw new ShapeError("linear", `the bias must have ${outputs} elements`, { w: w.shape, bias: bias.shape });
  if (bias) checkDType("linear", "bias", bias.dtype, ["f32"]);
  const dtype = productType("linear", { x, w });
  const { out = dtype } = options;
  return matmulOp(bias ? { a: x, b: w, bias } : { a: x, b: w }, { transposeA: false, transposeB: true, dtype, out });
}
