import { checkBindingSizes, F32_READ, F32_WRITE } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkSizes, type KernelPlan } from "../plan.ts";
import { columnsOf, walkPass } from "./walk.ts";

export interface GlobalAveragePoolGeometry {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
}

/** y = the mean over the pixels (torch's adaptive_avg_pool2d to 1 x 1). Operands `x` [n, h, w, c], `y` [n, c]. */
export function planGlobalAveragePool(g: GlobalAveragePoolGeometry, limits: DeviceLimits): KernelPlan {
  const { n, h, w, c } = g;
  checkSizes("globalAveragePool", { n, h, w, c });
  const name = `globalAveragePool [${n},${h},${w},${c}]`;
  const operands = { x: n * h * w * c * 4, y: n * c * 4 };
  checkBindingSizes(name, operands, limits);
  // A GPU has more invocations than results: one channel each, neighbours in neighbouring channels.
  const single = { columns: c, type: "f32", read: F32_READ, write: F32_WRITE } as const;
  const { columns, type, read, write } = limits.deviceClass === "gpu" ? single : columnsOf(c);
  const pass = walkPass(
    {
      label: name,
      bindings: { x: read, y: write },
      n,
      down: 1,
      across: 1,
      columns,
      prepare: "",
      each: `var sum = ${type}();
  var at = image * ${h * w * columns}u + column;
  for (var pixel = 0u; pixel < ${h * w}u; pixel++) { sum += x[at]; at += ${columns}u; }
  y[image * ${columns}u + column] = sum * ${wgslFloat(1 / (h * w))};`,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: n * h * w * c, bytes: operands.x + operands.y, passes: [pass] };
}

/** The gradient of `planGlobalAveragePool`: dx = dy / (h * w) at every pixel. Operands `dy` [n, c], `dx` [n, h, w, c]. */
export function planGlobalAveragePoolBackward(g: GlobalAveragePoolGeometry, limits: DeviceLimits): KernelPlan {
  const { n, h, w, c } = g;
  checkSizes("globalAveragePool.backward", { n, h, w, c });
  const name = `globalAveragePool.backward [${n},${h},${w},${c}]`;
  const operands = { dy: n * c * 4, dx: n * h * w * c * 4 };
  checkBindingSizes(name, operands, limits);
  const { columns, read, write } = columnsOf(c);
  const pass = walkPass(
    {
      label: name,
      bindings: { dy: read, dx: write },
      n,
      down: 1,
      across: h * w,
      columns,
      prepare: `let share = dy[image * ${columns}u + column] * ${wgslFloat(1 / (h * w))};`,
      each: `dx[(image * ${h * w}u + place) * ${columns}u + column] = share;`,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: n * c, bytes: operands.dy + operands.dx, passes: [pass] };
}

const wgslFloat = (value: number): string => (Number.isInteger(value) ? `${value}.0` : `${Math.fround(value)}`);
