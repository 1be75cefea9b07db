import { adamScalars, planAdam } from "@fracture/kernels";
import type { Tensor } from "../tensor.ts";
import { Optimizer, type ParameterGroup } from "./optimizer.ts";

/** Adam's settings, torch's defaults. */
export interface AdamOptions {
  /** Default: 1e-3. */
  readonly lr?: number;
  /** Default: [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default: 1e-8. */
  readonly eps?: number;
  /** Default: 0. */
  readonly weightDecay?: number;
}

function adamKernel(options: AdamOptions, decoupled: boolean): ConstructorParameters<typeof Optimizer>[2] {
  const { betas, eps } = options;
  return {
    moments: ["m", "v"],
    plan: (arena) => planAdam({ count: arena.count, segments: arena.groupSegments }, arena.limits),
    scalars: ({ lr, weightDecay }, step) =>
      adamScalars(
        { lr, weightDecay, decoupled, ...(betas ? { betas } : {}), ...(eps === undefined ? {} : { eps }) },
        step,
      ),
  };
}

/** Adam (Kingma and Ba 2014) as torch.optim.Adam: weight decay is added to the gradient. */
export class Adam extends Optimizer {
  constructor(parameters: readonly Tensor[] | readonly ParameterGroup[], options: AdamOptions = {}) {
    super(parameters, { lr: options.lr ?? 1e-3, weightDecay: options.weightDecay ?? 0 }, adamKernel(options, false));
  }
}

/** AdamW (Loshchilov and Hutter 2017) as torch.optim.AdamW: weights decay by themselves. Default decay: 0.01. */
export class AdamW extends Optimizer {
  constructor(parameters: readonly Tensor[] | readonly ParameterGroup[], options: AdamOptions = {}) {
    super(parameters, { lr: options.lr ?? 1e-3, weightDecay: options.weightDecay ?? 0.01 }, adamKernel(options, true));
  }
}
