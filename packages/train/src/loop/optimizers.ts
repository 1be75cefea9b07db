import { optim } from "@fracture/tensor";
import type { Precision } from "./precision.ts";
import type { Stage, TrainableParts } from "./stages.ts";

export const OPTIMIZERS = ["adam", "adamw", "sgd"] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** SGD's momentum, as in torchvision's reference training. */
const SGD_MOMENTUM = 0.9;

/** torch's. */
export const DEFAULT_WEIGHT_DECAY: Readonly<Record<OptimizerName, number>> = { adam: 0, adamw: 0.01, sgd: 0 };

/** An optimiser for the parts that a stage trains: first the groups of the backbone that are trained, then the head. */
export function createOptimizer(
  name: OptimizerName,
  weightDecay: number,
  stage: Stage,
  { backbone, head }: TrainableParts,
  precision: Precision,
): optim.Optimizer {
  const groups = [...backbone, { parameters: head, lr: stage.lr }];
  const halfCopies = precision === "mixed";
  switch (name) {
    case "adam":
      return new optim.Adam(groups, { weightDecay, halfCopies });
    case "adamw":
      return new optim.AdamW(groups, { weightDecay, halfCopies });
    case "sgd":
      return new optim.SGD(groups, { lr: stage.lr, momentum: SGD_MOMENTUM, weightDecay, halfCopies });
  }
}
