import { checkSizes, type KernelPlan } from "../plan.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkStored, storedArray, storedBytes, storedName, type ActivationType } from "../stored.ts";
import { checkBindingSizes, F32_READ, flatPass } from "./flat.ts";
import { planBinary } from "./binary.ts";
import { SCALAR, UNARY, type ScalarOp, type UnaryOp } from "./ops.ts";

/** `count` elements. */
export interface FlatGeometry {
  readonly count: number;
  /** How the operands are stored; arithmetic is f32. Default: "f32". */
  readonly dtype?: ActivationType;
}

export interface UnaryGeometry extends FlatGeometry {
  readonly op: UnaryOp;
}

/** y = op(x), `count` elements. Operands `x`, `y`. */
export function planUnary({ op, count, dtype = "f32" }: UnaryGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes(op, { count });
  const name = `${op}${storedName(dtype)} [${count}]`;
  const bytes = storedBytes(dtype, count);
  const operands = { x: bytes, y: bytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const pass = flatPass(
    {
      label: name,
      bindings: { x: read, y: write },
      enables,
      functions: `fn operation(x: f32) -> f32 { return ${UNARY[op].wgsl}; }\nfn value(i: u32) -> f32 { return operation(${load("x[i]")}); }`,
      output: "y",
      result: store,
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: UNARY[op].flop * count, bytes: 2 * bytes, passes: [pass] };
}

/**
 * dx of y = op(x), from dy. Operands `dy`, `dx` and, where `unaryBackwardUses(op)` says so, `x` (the input) or `y` (the
 * output). At a kink as torch: relu's and abs's derivative at 0 is 0.
 */
export function planUnaryBackward({ op, count, dtype = "f32" }: UnaryGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes(op, { count });
  const name = `${op}.backward${storedName(dtype)} [${count}]`;
  const { uses, wgsl } = UNARY[op].backward;
  const saved = uses ?? "x";
  const bytes = storedBytes(dtype, count);
  const operands = { ...(uses ? { [uses]: bytes } : {}), dy: bytes, dx: bytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const pass = flatPass(
    {
      label: name,
      bindings: { ...(uses ? { [uses]: read } : {}), dy: read, dx: write },
      enables,
      functions: `fn operation(dy: f32, ${saved}: f32) -> f32 { return ${wgsl}; }
fn value(i: u32) -> f32 { return operation(${load("dy[i]")}, ${uses ? load(`${uses}[i]`) : "0.0"}); }`,
      output: "dx",
      result: store,
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
export function planReluBackward(geometry: FlatGeometry, limits: DeviceLimits): KernelPlan {
  return planUnaryBackward({ op: "relu", ...geometry }, limits);
}

/** y = relu(a + b), the end of a residual block. Operands `a`, `b`, `y`; both gradients are `planReluBackward`'s dx. */
export function planAddRelu({ count, dtype = "f32" }: FlatGeometry, limits: DeviceLimits): KernelPlan {
  return planBinary({ op: "addRelu", shapeA: [count], shapeB: [count], dtype }, limits);
}

export interface ScalarGeometry extends FlatGeometry {
  /** affine: x * s + t. clamp: to [s, t]. pow: x ** s + t. reciprocal: s / (x + t). greater: x > s ? 1 : t. */
  readonly op: ScalarOp;
  readonly s: number;
  readonly t?: number;
}

/** y = op(x, s, t) with two numbers, which are params: another value compiles nothing. Operands `x`, `y`. */
export function planScalar({ op, count, s, t = 0, dtype = "f32" }: ScalarGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes(op, { count });
  const name = `${op}(${s}, ${t})${storedName(dtype)} [${count}]`;
  const bytes = storedBytes(dtype, count);
  const operands = { x: bytes, y: bytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const row: { wgsl: string; functions?: string } = SCALAR[op];
  const pass = flatPass(
    {
      label: name,
      bindings: { x: read, y: write },
      enables,
      params: { s: { f32: s }, t: { f32: t } },
      functions: `${row.functions ?? ""}
fn operation(x: f32, s: f32, t: f32) -> f32 { return ${row.wgsl}; }
fn value(i: u32) -> f32 { return operation(${load("x[i]")}, params.s, params.t); }`,
      output: "y",
      result: store,
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 2 * count, bytes: 2 * bytes, passes: [pass] };
}

/** y += x, in place: gradients that meet. Operands `x`, `y`. */
export function planAccumulate({ count, dtype = "f32" }: FlatGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes("accumulate", { count });
  const name = `accumulate${storedName(dtype)} [${count}]`;
  const bytes = storedBytes(dtype, count);
  const operands = { x: bytes, y: bytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const pass = flatPass(
    {
      label: name,
      bindings: { x: read, y: write },
      enables,
      functions: `fn value(i: u32) -> f32 { return ${load("y[i]")} + ${load("x[i]")}; }`,
      output: "y",
      result: store,
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: count, bytes: 3 * bytes, passes: [pass] };
}

/** y = condition != 0 ? a : b, all of `count` elements. Operands `condition` (f32), `a`, `b`, `y`. */
export function planWhere({ count, dtype = "f32" }: FlatGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes("where", { count });
  const name = `where${storedName(dtype)} [${count}]`;
  const bytes = storedBytes(dtype, count);
  const operands = { condition: count * 4, a: bytes, b: bytes, y: bytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const pass = flatPass(
    {
      label: name,
      bindings: { condition: F32_READ, a: read, b: read, y: write },
      enables,
      functions: `fn value(i: u32) -> f32 { return select(${load("b[i]")}, ${load("a[i]")}, condition[i] != 0.0); }`,
      output: "y",
      result: store,
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: 4 * count + 3 * bytes, passes: [pass] };
}
