import { checkBindingSizes } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkSizes, type KernelPlan } from "../plan.ts";
import { checkStored, storedArray, storedBytes, storedName, type ActivationType } from "../stored.ts";
import { columnsOf, walkPass } from "./walk.ts";

export interface GlobalAveragePoolGeometry {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  /** How x, y and their gradients are stored. Default: "f32". */
  readonly dtype?: ActivationType;
}

/** y = the mean over the pixels (torch's adaptive_avg_pool2d to 1 x 1). Operands `x` [n, h, w, c], `y` [n, c]. */
export function planGlobalAveragePool(g: GlobalAveragePoolGeometry, limits: DeviceLimits): KernelPlan {
  const { n, h, w, c, dtype = "f32" } = g;
  checkSizes("globalAveragePool", { n, h, w, c });
  const name = `globalAveragePool${storedName(dtype)} [${n},${h},${w},${c}]`;
  const operands = { x: storedBytes(dtype, n * h * w * c), y: storedBytes(dtype, n * c) };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  // A GPU has more invocations than results: one channel each, neighbours in neighbouring channels.
  const single = { columns: c, type: "f32", ...storedArray(dtype) } as const;
  const { columns, type, read, write, load, store, enables } =
    limits.deviceClass === "gpu" ? single : columnsOf(c, dtype);
  const pass = walkPass(
    {
      label: name,
      bindings: { x: read, y: write },
      enables,
      n,
      down: 1,
      across: 1,
      columns,
      prepare: "",
      each: `var sum = ${type}();
  var at = image * ${h * w * columns}u + column;
  for (var pixel = 0u; pixel < ${h * w}u; pixel++) { sum += ${load("x[at]")}; at += ${columns}u; }
  y[image * ${columns}u + column] = ${store(`sum * ${wgslFloat(1 / (h * w))}`)};`,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: n * h * w * c, bytes: operands.x + operands.y, passes: [pass] };
}

/** The gradient of `planGlobalAveragePool`: dx = dy / (h * w) at every pixel. Operands `dy` [n, c], `dx` [n, h, w, c]. */
export function planGlobalAveragePoolBackward(g: GlobalAveragePoolGeometry, limits: DeviceLimits): KernelPlan {
  const { n, h, w, c, dtype = "f32" } = g;
  checkSizes("globalAveragePool.backward", { n, h, w, c });
  const name = `globalAveragePool.backward${storedName(dtype)} [${n},${h},${w},${c}]`;
  const operands = { dy: storedBytes(dtype, n * c), dx: storedBytes(dtype, n * h * w * c) };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { columns, read, write, load, store, enables } = columnsOf(c, dtype);
  const pass = walkPass(
    {
      label: name,
      bindings: { dy: read, dx: write },
      enables,
      n,
      down: 1,
      across: h * w,
      columns,
      prepare: `let share = ${load(`dy[image * ${columns}u + column]`)} * ${wgslFloat(1 / (h * w))};`,
      each: `dx[(image * ${h * w}u + place) * ${columns}u + column] = ${store("share")};`,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: n * c, bytes: operands.dy + operands.dx, passes: [pass] };
}

const wgslFloat = (value: number): string => (Number.isInteger(value) ? `${value}.0` : `${Math.fround(value)}`);
