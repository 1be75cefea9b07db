import { IS_NAN } from "./flat.ts";

/** One row a unary operation. `backward` is dx in terms of `dy` and of `uses`: x, the input, or y, the output. */
export interface UnaryRow {
  readonly wgsl: string;
  readonly f64: (x: number) => number;
  readonly backward: {
    readonly uses: "x" | "y" | null;
    readonly wgsl: string;
    readonly f64: (dy: number, v: number) => number;
  };
  readonly flop: number;
}

const row = (
  wgsl: string,
  f64: (x: number) => number,
  uses: "x" | "y" | null,
  backwardWgsl: string,
  backwardF64: (dy: number, v: number) => number,
  flop = 1,
): UnaryRow => ({ wgsl, f64, backward: { uses, wgsl: backwardWgsl, f64: backwardF64 }, flop });

/**
 * Comparisons rather than `max` wherever NaN must come through, as in torch: WGSL's `max` may drop it, and a loss that
 * turned NaN has to show.
 */
export const UNARY = {
  copy: row(
    "x",
    (x) => x,
    null,
    "dy",
    (dy) => dy,
    0,
  ),
  neg: row(
    "-x",
    (x) => -x,
    null,
    "-dy",
    (dy) => -dy,
  ),
  abs: row("abs(x)", Math.abs, "x", "dy * sign(x)", (dy, x) => dy * Math.sign(x)),
  square: row(
    "x * x",
    (x) => x * x,
    "x",
    "2.0 * x * dy",
    (dy, x) => 2 * x * dy,
  ),
  reciprocal: row(
    "1.0 / x",
    (x) => 1 / x,
    "y",
    "-dy * y * y",
    (dy, y) => -dy * y * y,
  ),
  sqrt: row("sqrt(x)", Math.sqrt, "y", "0.5 * dy / y", (dy, y) => (0.5 * dy) / y),
  rsqrt: row(
    "inverseSqrt(x)",
    (x) => 1 / Math.sqrt(x),
    "y",
    "-0.5 * dy * y * y * y",
    (dy, y) => -0.5 * dy * y * y * y,
  ),
  exp: row("exp(x)", Math.exp, "y", "dy * y", (dy, y) => dy * y),
  log: row("log(x)", Math.log, "x", "dy / x", (dy, x) => dy / x),
  relu: row(
    "select(x, 0.0, x < 0.0)",
    (x) => (x < 0 ? 0 : x),
    "y",
    "select(dy, 0.0, y <= 0.0)",
    (dy, y) => (y <= 0 ? 0 : dy),
  ),
  sigmoid: row(
    "1.0 / (1.0 + exp(-x))",
    (x) => 1 / (1 + Math.exp(-x)),
    "y",
    "dy * y * (1.0 - y)",
    (dy, y) => dy * y * (1 - y),
    3,
  ),
  // exp of a large argument overflows inside tanh on some devices; beyond 10 the result is 1 to f32's last bit.
  tanh: row(
    "select(tanh(x), sign(x), abs(x) > 10.0)",
    Math.tanh,
    "y",
    "dy * (1.0 - y * y)",
    (dy, y) => dy * (1 - y * y),
    3,
  ),
  sign: row("sign(x)", Math.sign, null, "0.0", () => 0),
} satisfies Record<string, UnaryRow>;

export type UnaryOp = keyof typeof UNARY;

/** One row an operation of two operands, or of an operand and a scalar. */
export interface BinaryRow {
  readonly wgsl: string;
  readonly f64: (a: number, b: number) => number;
  readonly functions?: string;
}

/** pow as C has it, which WGSL leaves undefined for a negative base. */
const POWER = /* wgsl */ `
fn power(a: f32, b: f32) -> f32 {
  if (b == 0.0) { return 1.0; }
  if (b == 1.0) { return a; }
  if (b == 2.0) { return a * a; }
  if (a == 0.0) { return select(1.0 / abs(a), 0.0, b > 0.0); }
  let magnitude = pow(abs(a), b);
  if (a > 0.0) { return magnitude; }
  if (b != floor(b)) { return sqrt(a); }
  return select(-magnitude, magnitude, b * 0.5 == floor(b * 0.5));
}`;

export const BINARY = {
  add: { wgsl: "a + b", f64: (a, b) => a + b },
  sub: { wgsl: "a - b", f64: (a, b) => a - b },
  mul: { wgsl: "a * b", f64: (a, b) => a * b },
  div: { wgsl: "a / b", f64: (a, b) => a / b },
  maximum: { wgsl: "select(select(b, a, a > b), a, isNan(a))", f64: (a, b) => Math.max(a, b), functions: IS_NAN },
  minimum: { wgsl: "select(select(b, a, a < b), a, isNan(a))", f64: (a, b) => Math.min(a, b), functions: IS_NAN },
  pow: { wgsl: "power(a, b)", f64: (a, b) => a ** b, functions: POWER },
  equal: { wgsl: "select(0.0, 1.0, a == b)", f64: (a, b) => Number(a === b) },
  notEqual: { wgsl: "select(0.0, 1.0, a != b)", f64: (a, b) => Number(a !== b) },
  greater: { wgsl: "select(0.0, 1.0, a > b)", f64: (a, b) => Number(a > b) },
  greaterEqual: { wgsl: "select(0.0, 1.0, a >= b)", f64: (a, b) => Number(a >= b) },
  less: { wgsl: "select(0.0, 1.0, a < b)", f64: (a, b) => Number(a < b) },
  lessEqual: { wgsl: "select(0.0, 1.0, a <= b)", f64: (a, b) => Number(a <= b) },
  /** relu(a + b): a residual block's end. */
  addRelu: { wgsl: "select(a + b, 0.0, a + b < 0.0)", f64: (a, b) => (a + b < 0 ? 0 : a + b) },
  /** dx of relu: a is its output y, b is dy. */
  reluBackward: { wgsl: "select(b, 0.0, a <= 0.0)", f64: (a, b) => (a <= 0 ? 0 : b) },
} satisfies Record<string, BinaryRow>;

export type BinaryOp = keyof typeof BINARY;

/** One row an operation of an element and two numbers, s and t. */
export const SCALAR = {
  affine: { wgsl: "x * s + t", f64: (x, s, t) => x * s + t },
  clamp: { wgsl: "select(select(x, t, x > t), s, x < s)", f64: (x, s, t) => (x < s ? s : x > t ? t : x) },
  pow: { wgsl: "power(x, s) + t", f64: (x, s, t) => x ** s + t, functions: POWER },
  reciprocal: { wgsl: "s / (x + t)", f64: (x, s, t) => s / (x + t) },
  greater: { wgsl: "select(t, 1.0, x > s)", f64: (x, s, t) => (x > s ? 1 : t) },
} satisfies Record<string, { wgsl: string; f64: (x: number, s: number, t: number) => number; functions?: string }>;

export type ScalarOp = keyof typeof SCALAR;
