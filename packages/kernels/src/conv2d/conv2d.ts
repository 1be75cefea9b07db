import { checkBindingSizes } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import type { KernelPlan, PlanBody } from "../plan.ts";
import { rowLanes } from "../product/lanes.ts";
import { conv2dBytes, conv2dFlop, describeConv2d, type Conv2dGeometry } from "./geometry.ts";
import { rowsForward, rowsGradInput } from "./rows.ts";
import { rowsGradWeight } from "./rowsGradWeight.ts";
import { tiledForward, tiledGradInput, tiledGradWeight } from "./tiled.ts";

export interface Conv2dForwardOptions {
  /** Adds `bias` [k]. Default: false. */
  readonly bias?: boolean;
}

function plan(
  product: string,
  g: Conv2dGeometry,
  operands: Record<string, number>,
  flop: number,
  { passes, workspace }: PlanBody,
  limits: DeviceLimits,
): KernelPlan {
  const name = `conv2d.${product} ${describeConv2d(g)}`;
  checkBindingSizes(name, { ...operands, ...workspace }, limits);
  return {
    name,
    operands,
    workspace,
    flop,
    bytes: Object.values(operands).reduce((sum, size) => sum + size, 0),
    passes,
  };
}

/**
 * y = x * w (+ bias): cross-correlation with zero padding, as torch's conv2d, channels last, f32. Operands `x` [n, h, w, c],
 * `w` [k, r, s, c], (`bias` [k]) and `y` [n, outH, outW, k].
 */
export function planConv2dForward(
  g: Conv2dGeometry,
  limits: DeviceLimits,
  { bias = false }: Conv2dForwardOptions = {},
): KernelPlan {
  const { x, w, y } = conv2dBytes(g);
  const lanes = rowLanes(limits);
  const built: PlanBody = lanes
    ? rowsForward(g, bias, lanes, limits)
    : { passes: tiledForward(g, bias, limits), workspace: {} };
  const biasFlop = bias ? y / 4 : 0;
  return plan("forward", g, { x, w, ...(bias ? { bias: g.k * 4 } : {}), y }, conv2dFlop(g) + biasFlop, built, limits);
}

/** dx = dL/dx from dy = dL/dy. Operands `dy` [n, outH, outW, k], `w` [k, r, s, c] and `dx` [n, h, w, c]. */
export function planConv2dGradInput(g: Conv2dGeometry, limits: DeviceLimits): KernelPlan {
  const { x, w, y } = conv2dBytes(g);
  const lanes = rowLanes(limits);
  const built = lanes ? rowsGradInput(g, lanes, limits) : { passes: tiledGradInput(g, limits), workspace: {} };
  return plan("gradInput", g, { dy: y, w, dx: x }, conv2dFlop(g), built, limits);
}

/** dw = dL/dw from dy = dL/dy, summed over the batch. Operands `x` [n, h, w, c], `dy` [n, outH, outW, k] and `dw` [k, r, s, c]. */
export function planConv2dGradWeight(g: Conv2dGeometry, limits: DeviceLimits): KernelPlan {
  const { x, w, y } = conv2dBytes(g);
  const lanes = rowLanes(limits);
  const built = lanes ? rowsGradWeight(g, lanes, limits) : tiledGradWeight(g, limits);
  return plan("gradWeight", g, { x, dy: y, dw: w }, conv2dFlop(g), built, limits);
}
