import { planSgd, sgdScalars } from "@fracture/kernels";
import type { Tensor } from "../tensor.ts";
import { Optimizer } from "./optimizer.ts";
import type { OptimizerOptions, ParameterGroup } from "./updateKernel.ts";

/** SGD's settings; lr and weight decay are the groups' defaults. */
export interface SgdOptions extends OptimizerOptions {
  readonly lr: number;
  /** Default: 0. */
  readonly momentum?: number;
  /** Default: 0. */
  readonly weightDecay?: number;
  /** Default: false. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent as torch.optim.SGD, without dampening. */
export class SGD extends Optimizer {
  constructor(
    parameters: readonly Tensor[] | readonly ParameterGroup[],
    { lr, momentum = 0, weightDecay = 0, nesterov = false, ...options }: SgdOptions,
  ) {
    super(
      parameters,
      { lr, weightDecay },
      {
        rule: "sgd",
        moments: momentum > 0 ? ["m"] : [],
        plan: (geometry, { limits }) => planSgd({ ...geometry, momentum: momentum > 0, nesterov }, limits),
        scalars: (group) => sgdScalars({ ...group, momentum }),
        given: (group) => sgdScalars({ ...group, momentum }),
      },
      options,
    );
  }
}
