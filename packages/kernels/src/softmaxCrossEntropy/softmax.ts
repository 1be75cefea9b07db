import type { DeviceLimits } from "../limits.ts";
import { checkSizes, type KernelPlan } from "../plan.ts";
import { checkBindingSizes, F32_READ, F32_WRITE } from "../elementwise/flat.ts";
import { rowPass, type RowStep } from "./rows.ts";

export interface RowsGeometry {
  readonly rows: number;
  readonly columns: number;
}

function plan(
  kernel: string,
  { rows, columns }: RowsGeometry,
  inputs: readonly string[],
  output: string,
  steps: readonly RowStep[],
  limits: DeviceLimits,
): KernelPlan {
  checkSizes(kernel, { rows, columns });
  const name = `${kernel} [${rows},${columns}]`;
  const bytes = rows * columns * 4;
  const operands = Object.fromEntries([...inputs, output].map((operand) => [operand, bytes]));
  checkBindingSizes(name, operands, limits);
  const bindings = { ...Object.fromEntries(inputs.map((input) => [input, F32_READ])), [output]: F32_WRITE };
  const pass = rowPass({ label: name, bindings, rows, columns, steps }, limits);
  return {
    name,
    operands,
    workspace: {},
    flop: 4 * rows * columns,
    bytes: bytes * (inputs.length + 1),
    passes: [pass],
  };
}

const LARGEST: RowStep = { fold: "max", name: "largest", value: "x[base + j]" };
const TOTAL: RowStep = { fold: "sum", name: "total", value: "exp(x[base + j] - largest)" };

/** y = exp(x) / sum of exp(x) over each row, the row's largest subtracted first. Operands `x`, `y` [rows, columns], f32. */
export function planSoftmax(geometry: RowsGeometry, limits: DeviceLimits): KernelPlan {
  return plan(
    "softmax",
    geometry,
    ["x"],
    "y",
    [LARGEST, TOTAL, { each: "y[base + j] = exp(x[base + j] - largest) / total;" }],
    limits,
  );
}

/** y = log(softmax(x)) over each row. Operands `x`, `y` [rows, columns], f32. */
export function planLogSoftmax(geometry: RowsGeometry, limits: DeviceLimits): KernelPlan {
  const steps: RowStep[] = [LARGEST, TOTAL, { each: "y[base + j] = x[base + j] - largest - log(total);" }];
  return plan("logSoftmax", geometry, ["x"], "y", steps, limits);
}

/** dx = y * (dy - sum of dy * y). Operands `y` (softmax's output), `dy`, `dx`. */
export function planSoftmaxBackward(geometry: RowsGeometry, limits: DeviceLimits): KernelPlan {
  const steps: RowStep[] = [
    { fold: "sum", name: "along", value: "dy[base + j] * y[base + j]" },
    { each: "dx[base + j] = y[base + j] * (dy[base + j] - along);" },
  ];
  return plan("softmax.backward", geometry, ["y", "dy"], "dx", steps, limits);
}

/** dx = dy - exp(y) * sum of dy. Operands `y` (logSoftmax's output), `dy`, `dx`. */
export function planLogSoftmaxBackward(geometry: RowsGeometry, limits: DeviceLimits): KernelPlan {
  const steps: RowStep[] = [
    { fold: "sum", name: "along", value: "dy[base + j]" },
    { each: "dx[base + j] = dy[base + j] - exp(y[base + j]) * along;" },
  ];
  return plan("logSoftmax.backward", geometry, ["y", "dy"], "dx", steps, limits);
}
