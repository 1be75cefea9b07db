import { adamGiven, adamScalars, planAdam } from "@fracture/kernels";
import type { Tensor } from "../tensor.ts";
import { Optimizer } from "./optimizer.ts";
import type { OptimizerOptions, ParameterGroup, UpdateKernel } from "./updateKernel.ts";

/** Adam's settings, torch's defaults. */
export interface AdamOptions extends OptimizerOptions {
  /** Default: 1e-3. */
  readonly lr?: number;
  /** Default: [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default: 1e-8. */
  readonly eps?: number;
  /** Default: 0. */
  readonly weightDecay?: number;
}

function adamKernel(options: AdamOptions, decoupled: boolean): UpdateKernel {
  const { betas, eps } = options;
  const settings = { decoupled, ...(betas ? { betas } : {}), ...(eps === undefined ? {} : { eps }) };
  return {
    rule: "adam",
    moments: ["m", "v"],
    plan: (geometry, { limits }) => planAdam(geometry, limits),
    scalars: ({ lr, weightDecay }, step) => adamScalars({ lr, weightDecay, ...settings }, step),
    given: ({ lr, weightDecay }) => adamGiven({ lr, weightDecay, ...settings }),
  };
}

/** Adam (Kingma and Ba 2014) as torch.optim.Adam: weight decay is added to the gradient. */
export class Adam extends Optimizer {
  constructor(parameters: readonly Tensor[] | readonly ParameterGroup[], options: AdamOptions = {}) {
    super(
      parameters,
      { lr: options.lr ?? 1e-3, weightDecay: options.weightDecay ?? 0 },
      adamKernel(options, false),
      options,
    );
  }
}

/** AdamW (Loshchilov and Hutter 2017) as torch.optim.AdamW: weights decay by themselves. Default decay: 0.01. */
export class AdamW extends Optimizer {
  constructor(parameters: readonly Tensor[] | readonly ParameterGroup[], options: AdamOptions = {}) {
    super(
      parameters,
      { lr: options.lr ?? 1e-3, weightDecay: options.weightDecay ?? 0.01 },
      adamKernel(options, true),
      options,
    );
  }
}
