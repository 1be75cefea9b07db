import { checkSizes, type KernelPlan } from "../plan.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkBindingSizes, F32_READ, F32_WRITE, flatPass } from "./flat.ts";
import { planBinary } from "./binary.ts";
import { SCALAR, UNARY, type ScalarOp, type UnaryOp } from "./ops.ts";

/** y = op(x), f32, `count` elements. Operands `x`, `y`. */
export function planUnary(
  { op, count }: { readonly op: UnaryOp; readonly count: number },
  limits: DeviceLimits,
): KernelPlan {
  checkSizes(op, { count });
  const name = `${op} [${count}]`;
  const operands = { x: count * 4, y: count * 4 };
  checkBindingSizes(name, operands, limits);
  const pass = flatPass(
    {
      label: name,
      bindings: { x: F32_READ, y: F32_WRITE },
      functions: `fn operation(x: f32) -> f32 { return ${UNARY[op].wgsl}; }\nfn value(i: u32) -> f32 { return operation(x[i]); }`,
      output: "y",
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: UNARY[op].flop * count, bytes: 8 * count, passes: [pass] };
}

/**
 * dx of y = op(x), from dy. Operands `dy`, `dx` and, where `unaryBackwardUses(op)` says so, `x` (the input) or `y` (the
 * output). At a kink as torch: relu's and abs's derivative at 0 is 0.
 */
export function planUnaryBackward(
  { op, count }: { readonly op: UnaryOp; readonly count: number },
  limits: DeviceLimits,
): KernelPlan {
  checkSizes(op, { count });
  const name = `${op}.backward [${count}]`;
  const { uses, wgsl } = UNARY[op].backward;
  const saved = uses ?? "x";
  const operands = { ...(uses ? { [uses]: count * 4 } : {}), dy: count * 4, dx: count * 4 };
  checkBindingSizes(name, operands, limits);
  const pass = flatPass(
    {
      label: name,
      bindings: { ...(uses ? { [uses]: F32_READ } : {}), dy: F32_READ, dx: F32_WRITE },
      functions: `fn operation(dy: f32, ${saved}: f32) -> f32 { return ${wgsl}; }
fn value(i: u32) -> f32 { return operation(dy[i], ${uses ? `${uses}[i]` : "0.0"}); }`,
      output: "dx",
      count,
    },
    limits,
  );
  return {
    name,
    operands,
    workspace: {},
    flop: UNARY[op].flop * count,
    bytes: Object.values(operands).reduce((a, b) => a + b),
    passes: [pass],
  };
}

/** What `planUnaryBackward` reads beside dy: the op's input "x", its output "y", or nothing. */
export const unaryBackwardUses = (op: UnaryOp): "x" | "y" | null => UNARY[op].backward.uses;

/** dx = y > 0 ? dy : 0. Operands `y` (the output of relu, or of addRelu), `dy`, `dx`. */
export function planReluBackward({ count }: { readonly count: number }, limits: DeviceLimits): KernelPlan {
  return planUnaryBackward({ op: "relu", count }, limits);
}

/** y = relu(a + b), the end of a residual block. Operands `a`, `b`, `y`; both gradients are `planReluBackward`'s dx. */
export function planAddRelu({ count }: { readonly count: number }, limits: DeviceLimits): KernelPlan {
  return planBinary({ op: "addRelu", shapeA: [count], shapeB: [count] }, limits);
}

export interface ScalarGeometry {
  /** affine: x * s + t. clamp: to [s, t]. pow: x ** s + t. reciprocal: s / (x + t). greater: x > s ? 1 : t. */
  readonly op: ScalarOp;
  readonly count: number;
  readonly s: number;
  readonly t?: number;
}

/** y = op(x, s, t) with two numbers, which are params: another value compiles nothing. Operands `x`, `y`. */
export function planScalar({ op, count, s, t = 0 }: ScalarGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes(op, { count });
  const name = `${op}(${s}, ${t}) [${count}]`;
  const operands = { x: count * 4, y: count * 4 };
  checkBindingSizes(name, operands, limits);
  const row: { wgsl: string; functions?: string } = SCALAR[op];
  const pass = flatPass(
    {
      label: name,
      bindings: { x: F32_READ, y: F32_WRITE },
      params: { s: { f32: s }, t: { f32: t } },
      functions: `${row.functions ?? ""}
fn operation(x: f32, s: f32, t: f32) -> f32 { return ${row.wgsl}; }
fn value(i: u32) -> f32 { return operation(x[i], params.s, params.t); }`,
      output: "y",
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 2 * count, bytes: 8 * count, passes: [pass] };
}

/** y += x, in place: gradients that meet. Operands `x`, `y`. */
export function planAccumulate({ count }: { readonly count: number }, limits: DeviceLimits): KernelPlan {
  checkSizes("accumulate", { count });
  const name = `accumulate [${count}]`;
  const operands = { x: count * 4, y: count * 4 };
  checkBindingSizes(name, operands, limits);
  const pass = flatPass(
    {
      label: name,
      bindings: { x: F32_READ, y: F32_WRITE },
      functions: "fn value(i: u32) -> f32 { return y[i] + x[i]; }",
      output: "y",
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: count, bytes: 12 * count, passes: [pass] };
}

/** y = condition != 0 ? a : b, all of `count` elements. Operands `condition` (f32), `a`, `b`, `y`. */
export function planWhere({ count }: { readonly count: number }, limits: DeviceLimits): KernelPlan {
  checkSizes("where", { count });
  const name = `where [${count}]`;
  const operands = { condition: count * 4, a: count * 4, b: count * 4, y: count * 4 };
  checkBindingSizes(name, operands, limits);
  const pass = flatPass(
    {
      label: name,
      bindings: { condition: F32_READ, a: F32_READ, b: F32_READ, y: F32_WRITE },
      functions: "fn value(i: u32) -> f32 { return select(b[i], a[i], condition[i] != 0.0); }",
      output: "y",
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: 16 * count, passes: [pass] };
}
