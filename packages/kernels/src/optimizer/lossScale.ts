import { GeometryError } from "../errors.ts";
import { checkSizes, definePass, type KernelPass, type KernelPlan } from "../plan.ts";
import { F32_READ, F32_WRITE, U32_READ, U32_WRITE } from "../elementwise/flat.ts";
import { ADAM_SCALAR as A, ADAM_SCALARS, SGD_SCALAR as S, SGD_SCALARS } from "./scalars.ts";

/** The f32 of the operand `state`: what dynamic loss scaling knows, on the device. Counts are exact up to 2^24. */
export const LOSS_SCALE = {
  /** The loss of the next step is multiplied by it. */
  scale: 0,
  /** Steps without an overflow since the scale last changed. */
  growth: 1,
  /** Steps that were skipped, ever. */
  skipped: 2,
  /** 1 where the latest step was skipped, else 0. */
  found: 3,
} as const;
export const LOSS_SCALE_WORDS = 4;

export interface LossScaleGeometry {
  readonly growthFactor: number;
  readonly backoffFactor: number;
  /** Steps without an overflow after which the scale grows. */
  readonly growthInterval: number;
}

/**
 * The end of a step, as torch's `_amp_update_scale_`: where `flag` says that gradients overflowed, the scale is multiplied by
 * the backoff factor; else, after `growthInterval` such steps, by the growth factor, unless f32 can't hold that. Clears the flag.
 * Operands `state` [LOSS_SCALE_WORDS] f32, `flag` [1] u32.
 */
export function planLossScale(geometry: LossScaleGeometry): KernelPlan {
  const { growthFactor, backoffFactor, growthInterval } = geometry;
  const name = "lossScale";
  checkSizes(name, { growthInterval });
  if (!(growthFactor > 1 && Number.isFinite(growthFactor)))
    throw new GeometryError(name, "growthFactor must be above 1", { growthFactor });
  if (!(backoffFactor > 0 && backoffFactor < 1))
    throw new GeometryError(name, "backoffFactor must lie between 0 and 1", { backoffFactor });
  const pass = definePass({
    label: name,
    bindings: { state: F32_WRITE, flag: U32_WRITE },
    params: { growthFactor: { f32: growthFactor }, backoff: { f32: backoffFactor }, interval: { f32: growthInterval } },
    body: `@compute @workgroup_size(1) fn main() {
  if (flag[0] != 0u) {
    state[${LOSS_SCALE.scale}] *= params.backoff;
    state[${LOSS_SCALE.growth}] = 0.0;
    state[${LOSS_SCALE.skipped}] += 1.0;
    state[${LOSS_SCALE.found}] = 1.0;
  } else {
    state[${LOSS_SCALE.growth}] += 1.0;
    state[${LOSS_SCALE.found}] = 0.0;
    if (state[${LOSS_SCALE.growth}] >= params.interval) {
      state[${LOSS_SCALE.growth}] = 0.0;
      if (state[${LOSS_SCALE.scale}] < 1e38 / params.growthFactor) { state[${LOSS_SCALE.scale}] *= params.growthFactor; }
    }
  }
  flag[0] = 0u;
}`,
    workgroups: [1, 1, 1],
  });
  return smallPlan(name, { state: LOSS_SCALE_WORDS * 4, flag: 4 }, pass);
}

export interface StepScalarsGeometry {
  readonly rule: "adam" | "sgd";
  /** Parameter groups, a block of scalars each. */
  readonly groups: number;
}

/**
 * What an update needs of a step whose number only the device knows, as skipped steps don't count: `scalars`, the blocks that
 * `planAdam` or `planSgd` read, from `given` (`adamGiven` or `sgdScalars` for each group), the scale, by which gradients are divided,
 * and the number of steps taken, which is counted here unless `flag` is set. Operands `given` and `scalars` [groups x
 * ADAM_SCALARS or SGD_SCALARS] f32, `state` [LOSS_SCALE_WORDS] f32, `flag` and `steps` [1] u32; writes `scalars` and `steps`.
 */
export function planStepScalars({ rule, groups }: StepScalarsGeometry): KernelPlan {
  const name = `stepScalars ${rule}`;
  checkSizes(name, { groups });
  const words = rule === "adam" ? ADAM_SCALARS : SGD_SCALARS;
  const scale = rule === "adam" ? A.gradScale : S.gradScale;
  const corrections = `
    let taken = f32(steps[0]);
    scalars[at + ${A.stepSize}u] = given[at + ${A.stepSize}u] / shortfall(given[at + ${A.logBeta1}u] * taken);
    scalars[at + ${A.correction2}u] = sqrt(shortfall(given[at + ${A.logBeta2}u] * taken));`;
  const pass = definePass({
    label: name,
    bindings: { given: F32_READ, state: F32_READ, flag: U32_READ, steps: U32_WRITE, scalars: F32_WRITE },
    params: { groups: { u32: groups } },
    body: `// 1 - exp(y) for y <= 0. Near 0 by its series: what the difference would cancel is all that there is.
fn shortfall(y: f32) -> f32 {
  let series = -y * (1.0 + y / 2.0 * (1.0 + y / 3.0 * (1.0 + y / 4.0 * (1.0 + y / 5.0 * (1.0 + y / 6.0 * (1.0 + y / 7.0 * (1.0 + y / 8.0)))))));
  return select(1.0 - exp(y), series, y > -0.5);
}
@compute @workgroup_size(1) fn main() {
  if (flag[0] != 0u) { return; }
  steps[0] += 1u;
  for (var group = 0u; group < params.groups; group++) {
    let at = group * ${words}u;
    for (var k = 0u; k < ${words}u; k++) { scalars[at + k] = given[at + k]; }
    scalars[at + ${scale}u] = 1.0 / state[${LOSS_SCALE.scale}];${rule === "adam" ? corrections : ""}
  }
}`,
    workgroups: [1, 1, 1],
  });
  const bytes = groups * words * 4;
  return smallPlan(name, { given: bytes, state: LOSS_SCALE_WORDS * 4, flag: 4, steps: 4, scalars: bytes }, pass);
}

function smallPlan(name: string, operands: Record<string, number>, pass: KernelPass): KernelPlan {
  const bytes = Object.values(operands).reduce((sum, size) => sum + size, 0);
  return { name, operands, workspace: {}, flop: 0, bytes, passes: [pass] };
}
