import { planSgd, sgdScalars } from "@fracture/kernels";
import type { Tensor } from "../tensor.ts";
import { Optimizer, type ParameterGroup } from "./optimizer.ts";

/** SGD's settings; lr and weight decay are the groups' defaults. */
export interface SgdOptions {
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
    { lr, momentum = 0, weightDecay = 0, nesterov = false }: SgdOptions,
  ) {
    super(
      parameters,
      { lr, weightDecay },
      {
        moments: momentum > 0 ? ["m"] : [],
        plan: (arena) =>
          planSgd(
            { count: arena.count, segments: arena.groupSegments, momentum: momentum > 0, nesterov },
            arena.limits,
          ),
        scalars: (group) => sgdScalars({ lr: group.lr, weightDecay: group.weightDecay, momentum }),
      },
    );
  }
}
