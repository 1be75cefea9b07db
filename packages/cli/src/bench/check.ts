import {
  conv2dForwardReference,
  conv2dGradInputReference,
  conv2dGradWeightReference,
  matmulReference,
  type ActivationType,
  type Conv2dGeometry,
  type MatmulGeometry,
} from "@fracture/kernels";
import { CheckError } from "../exitCodes.ts";

export type Values = ArrayLike<number>;

// A product is checked whole at a fraction of its cost: projected on a random vector v over one of its axes it is a smaller
// product of the same kind, (A B) v = A (B v), which the f64 reference computes (Freivalds 1977). A single wrong element
// is off by about the root mean square of the projection divided by the root of that axis's length, at most 2048.
// A result in halves is rounded to 11 bits, which the projection averages.
const LARGEST_ERROR = { f32: 1e-3, f16: 5e-3 } as const;

/**
 * Largest difference of a projected result, which is stored as `dtype`, from its reference, relative to the reference's root mean square. Throws a
 * CheckError if it is too large.
 */
function compare(name: string, actual: Values, expected: Values, dtype: ActivationType): number {
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    worst = Math.max(worst, error); // NaN stays
    squares += expected[i]! ** 2;
  }
  const error = worst / Math.sqrt(squares / expected.length);
  const largest = LARGEST_ERROR[dtype];
  if (!(error <= largest))
    throw new CheckError(
      `${name}: the result differs from the f64 reference by ${error.toPrecision(2)} (at most ${largest} is rounding): please report this device`,
    );
  return error;
}

/** [outer, n, inner] -> [outer, inner]: the sum over n, weighted by v. */
function project(values: Values, v: Values, inner: number): Float64Array {
  const result = new Float64Array(values.length / v.length);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(i / (v.length * inner)) * inner + (i % inner);
    result[at] = result[at]! + values[i]! * v[Math.floor(i / inner) % v.length]!;
  }
  return result;
}

/** y = op(A) op(B): y v = op(A) (op(B) v). Gives the error. */
export function checkMatmul(
  name: string,
  g: MatmulGeometry,
  { a, b, y }: Record<"a" | "b" | "y", Values>,
  dtype: ActivationType = "f32",
): number {
  const { m, n, k, transposeA = false, transposeB = false } = g;
  const v = direction(n);
  const projected = project(b, v, transposeB ? k : 1);
  return compare(name, project(y, v, 1), matmulReference({ m, n: 1, k, transposeA }, a, projected), dtype);
}

/** y = x * w, projected over the filters. Gives the error. */
export function checkForward(
  name: string,
  g: Conv2dGeometry,
  { x, w, y }: Record<"x" | "w" | "y", Values>,
  dtype: ActivationType = "f32",
): number {
  const v = direction(g.k);
  const expected = conv2dForwardReference({ ...g, k: 1 }, x, project(w, v, w.length / g.k));
  return compare(name, project(y, v, 1), expected, dtype);
}

/** dx, projected over the input's channels. Gives the error. */
export function checkGradInput(
  name: string,
  g: Conv2dGeometry,
  { dy, w, dx }: Record<"dy" | "w" | "dx", Values>,
  dtype: ActivationType = "f32",
): number {
  const v = direction(g.c);
  return compare(name, project(dx, v, 1), conv2dGradInputReference({ ...g, c: 1 }, dy, project(w, v, 1)), dtype);
}

/** dw, projected over the filters. Gives the error. */
export function checkGradWeight(
  name: string,
  g: Conv2dGeometry,
  { x, dy, dw }: Record<"x" | "dy" | "dw", Values>,
): number {
  const v = direction(g.k);
  const expected = conv2dGradWeightReference({ ...g, k: 1 }, x, project(dy, v, 1));
  return compare(name, project(dw, v, dw.length / g.k), expected, "f32");
}

const direction = (length: number): Float32Array => noise(length, 97);

/** Numbers in [-0.5, 0.5), the same every time: a hash of their index. */
export function noise(count: number, seed: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let h = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca77);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
    result[i] = ((h ^ (h >>> 15)) >>> 0) / 4_294_967_296 - 0.5;
  }
  return result;
}
