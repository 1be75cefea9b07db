import type { DeviceLimits } from "../limits.ts";
import type { KernelPlan } from "../plan.ts";
import { ADAM_SCALAR as A, ADAM_SCALARS, SGD_SCALAR as S, SGD_SCALARS } from "./scalars.ts";
import { planUpdate, type UpdateGeometry } from "./update.ts";

/**
 * A step of torch.optim.Adam or AdamW over flat arenas, in torch's order of operations. Operands, f32: `params`, `grads`,
 * `m`, `v` [count], `scalars` (`adamScalars` for each group, one after the other; Adam and AdamW differ in them alone).
 * Writes params, m and v, which start at 0. An arena larger than a binding throws DeviceLimitError: split it into several.
 */
export function planAdam(geometry: UpdateGeometry, limits: DeviceLimits): KernelPlan {
  return planUpdate(
    {
      kernel: "adam",
      scalarsPerGroup: ADAM_SCALARS,
      state: ["m", "v"],
      wgsl: `w_ = w_ * s(${A.keep});
  g_ = g_ * s(${A.gradScale}) + s(${A.weightDecay}) * w_;
  m_ = m_ * s(${A.beta1}) + s(${A.newer1}) * g_;
  v_ = v_ * s(${A.beta2}) + s(${A.newer2}) * g_ * g_;
  w_ = w_ - s(${A.stepSize}) * m_ / (sqrt(v_) / s(${A.correction2}) + s(${A.eps}));`,
      flopPerElement: 16,
    },
    geometry,
    limits,
  );
}

export interface SgdGeometry extends UpdateGeometry {
  /** With a momentum buffer; false where it is left out. */
  readonly momentum?: boolean;
  readonly nesterov?: boolean;
}

/**
 * A step of torch.optim.SGD, dampening 0. Operands, f32: `params`, `grads`, `m` [count] if `momentum` (starts at 0),
 * `scalars` (`sgdScalars` for each group). Writes params and m.
 */
export function planSgd(
  { momentum = false, nesterov = false, ...geometry }: SgdGeometry,
  limits: DeviceLimits,
): KernelPlan {
  const decay = `g_ = g_ * s(${S.gradScale}) + s(${S.weightDecay}) * w_;`;
  const buffer = `m_ = m_ * s(${S.momentum}) + g_;`;
  const step = !momentum ? "g_" : nesterov ? `(g_ + s(${S.momentum}) * m_)` : "m_";
  return planUpdate(
    {
      kernel: momentum ? (nesterov ? "sgd.nesterov" : "sgd.momentum") : "sgd",
      scalarsPerGroup: SGD_SCALARS,
      state: momentum ? ["m"] : [],
      wgsl: [decay, ...(momentum ? [buffer] : []), `w_ = w_ - s(${S.lr}) * ${step};`].join("\n  "),
      flopPerElement: momentum ? 7 : 5,
    },
    geometry,
    limits,
  );
}
