import { PARTS, type Part, type ResNet } from "@fracture/resnet";
import type { Tensor } from "@fracture/tensor";

/** What is frozen: everything up to and including a part; "all" is the whole backbone, "none" nothing. */
export const FREEZE_CHOICES = ["none", "stem", "layer1", "layer2", "layer3", "layer4", "all"] as const;
export type Freeze = (typeof FREEZE_CHOICES)[number];

/** One phase of training: what is frozen, for how long, at which rates. */
export interface Stage {
  readonly name: string;
  readonly freeze: Freeze;
  readonly epochs: number;
  /** Base learning rate of the head. */
  readonly lr: number;
  /** Base learning rate of the parts of the backbone that are not frozen. */
  readonly backboneLr: number;
}

/** The last frozen part, or null. Freezing layer4 freezes the whole backbone: the average pool has nothing to train. */
export function lastFrozen(freeze: Freeze): Part | null {
  if (freeze === "none") return null;
  return freeze === "all" || freeze === "layer4" ? "avgpool" : freeze;
}

export interface TrainableParts {
  readonly frozen: Part | null;
  /** The first part that is trained. */
  readonly first: Part;
  readonly backbone: Tensor[];
  readonly head: Tensor[];
  /** True for the names of a state dict that this stage can change. */
  readonly changes: (name: string) => boolean;
}

/**
 * Sets up a model for a stage: frozen parameters want no gradient, frozen batch norms use (and keep) their running
 * statistics, as a frozen network has to for its features not to drift.
 */
export function applyStage(model: ResNet, { freeze }: Stage): TrainableParts {
  const frozen = lastFrozen(freeze);
  const cut = frozen ? PARTS.indexOf(frozen) + 1 : 0;
  const backbone: Tensor[] = [];
  PARTS.forEach((part, index) => {
    for (const module of model.modulesOf(part)) {
      const trained = index >= cut;
      module.train(trained);
      for (const parameter of module.parameters()) {
        parameter.requireGrad(trained);
        if (trained && part !== "fc") backbone.push(parameter);
      }
    }
  });
  const frozenNames = new Set(PARTS.slice(0, cut).flatMap((part) => (part === "stem" ? ["conv1", "bn1"] : [part])));
  return {
    frozen,
    first: PARTS[cut]!,
    backbone,
    head: model.fc.parameters(),
    changes: (name) => !frozenNames.has(name.split(".")[0]!),
  };
}
