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
  /** Epochs in which the rates rise from nearly zero, step by step; may be a fraction. Default: 0. */
  readonly warmup?: number | undefined;
  /** What the rate of a part of the backbone is to that of the part above it; layer4's is `backboneLr`. Default: 1. */
  readonly layerDecay?: number | undefined;
}

/** Parts of the backbone that are trained at one rate. */
export interface RateGroup {
  readonly parameters: readonly Tensor[];
  readonly lr: number;
}

/** The last frozen part, or null. Freezing layer4 freezes the whole backbone: the average pool has nothing to train. */
export function lastFrozen(freeze: Freeze): Part | null {
  if (freeze === "none") return null;
  return freeze === "all" || freeze === "layer4" ? "avgpool" : freeze;
}

/** The last part that no stage trains, or null. */
export function neverTrained(stages: readonly Pick<Stage, "freeze">[]): Part | null {
  const places = stages.map(({ freeze }) => {
    const frozen = lastFrozen(freeze);
    return frozen ? PARTS.indexOf(frozen) : -1;
  });
  return PARTS[Math.min(...places)] ?? null;
}

/** True for the names of a state dict that belong to the parts up to and including this one; null: for none. */
export function tensorsUpTo(part: Part | null): (name: string) => boolean {
  const parts = part ? PARTS.slice(0, PARTS.indexOf(part) + 1) : [];
  const names = new Set(parts.flatMap((one) => (one === "stem" ? ["conv1", "bn1"] : [one])));
  return (name) => names.has(name.split(".")[0]!);
}

export interface TrainableParts {
  readonly frozen: Part | null;
  /** The first part that is trained. */
  readonly first: Part;
  /** What is trained of the backbone, by rate. */
  readonly backbone: readonly RateGroup[];
  readonly head: Tensor[];
  /** True for the names of a state dict that this stage can change. */
  readonly changes: (name: string) => boolean;
}

/**
 * Sets up a model for a stage: frozen parameters want no gradient, frozen batch norms use (and keep) their running
 * statistics, as a frozen network has to for its features not to drift.
 */
export function applyStage(model: ResNet, { freeze, backboneLr, layerDecay = 1 }: Stage): TrainableParts {
  const frozen = lastFrozen(freeze);
  const cut = frozen ? PARTS.indexOf(frozen) + 1 : 0;
  const backbone = new Map<number, Tensor[]>();
  PARTS.forEach((part, index) => {
    const lr = backboneLr * layerDecay ** (PARTS.indexOf("layer4") - index);
    for (const module of model.modulesOf(part)) {
      const trained = index >= cut;
      module.train(trained);
      for (const parameter of module.parameters()) {
        parameter.requireGrad(trained);
        if (trained && part !== "fc") backbone.set(lr, [...(backbone.get(lr) ?? []), parameter]);
      }
    }
  });
  const isFrozen = tensorsUpTo(frozen);
  return {
    frozen,
    first: PARTS[cut]!,
    backbone: [...backbone].map(([lr, parameters]) => ({ lr, parameters })),
    head: model.fc.parameters(),
    changes: (name) => !isFrozen(name),
  };
}
