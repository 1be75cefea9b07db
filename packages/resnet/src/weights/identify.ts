import type { nn, Shape } from "@fracture/tensor";
import { ARCHITECTURES, type Architecture } from "../resnet.ts";
import { WeightsError, shown } from "./errors.ts";

export interface Identity {
  readonly architecture: Architecture;
  /** Rows of the head. */
  readonly classes: number;
}

/**
 * Which ResNet a state dict belongs to, from names and shapes alone. Names are torchvision's, which timm shares for its plain
 * ResNets. Looks at what tells the family's members and their near relations apart; that every tensor fits is for
 * `loadWeights` to check.
 *
 * @throws WeightsError ("architecture") that says what else it is, where that is known
 */
export function identifyArchitecture(state: nn.StateDict): Identity {
  const refuse = (what: string): WeightsError => new WeightsError("architecture", what);
  const shapeOf = (name: string): Shape => state.get(name)?.shape ?? [];
  const known = Object.keys(ARCHITECTURES).join(", ");

  const stem = shapeOf("conv1.weight");
  if (!state.has("conv1.weight")) throw refuse(`not one of ${known} with torchvision's names: ${unlike(state)}`);
  if (stem.length !== 4 || stem[0] !== 64 || stem[2] !== 7 || stem[3] !== 7)
    throw refuse(`conv1.weight is [${stem.join(",")}] instead of [64,3,7,7]: not one of ${known}`);
  if (stem[1] !== 3) throw refuse(`conv1.weight takes pictures of ${stem[1]} channels; 3 are wanted`);

  const block = state.has("layer1.0.conv3.weight") ? "bottleneck" : "basic";
  const [width, , kernel] = shapeOf("layer1.0.conv1.weight");
  for (const name of ["layer1.0.conv1.weight", "layer1.0.conv2.weight"])
    if (!state.has(name)) throw refuse(`not one of ${known}: ${name} is missing`);
  const grouped = shapeOf("layer1.0.conv2.weight")[1];
  if (width !== 64 || grouped !== 64 || kernel !== (block === "basic" ? 3 : 1))
    throw refuse(
      `blocks of ${width} planes in groups of ${grouped} are those of a wide ResNet, ResNeXt or another relation, not of ${known}`,
    );
  const layers = [1, 2, 3, 4].map((layer) => countBlocks(state, layer));
  const architecture = (Object.keys(ARCHITECTURES) as Architecture[]).find((name) => {
    const one = ARCHITECTURES[name];
    return one.block === block && one.layers.every((count, i) => count === layers[i]);
  });
  if (!architecture) throw refuse(`${layers.join(", ")} ${block} blocks in layer1 to layer4: not one of ${known}`);

  const features = block === "basic" ? 512 : 2048;
  const head = shapeOf("fc.weight");
  if (!state.has("fc.weight")) throw refuse(`a ${architecture} without its head: fc.weight is missing`);
  const [classes = 0] = head;
  if (head.length !== 2 || head[1] !== features || classes < 1)
    throw refuse(`fc.weight of this ${architecture} is [${head.join(",")}] instead of [classes,${features}]`);
  return { architecture, classes };
}

/** Blocks of a layer, numbered from 0 without a gap; NaN otherwise. */
function countBlocks(state: nn.StateDict, layer: number): number {
  const pattern = new RegExp(`^layer${layer}\\.(\\d{1,3})\\.`);
  const found = new Set<number>();
  for (const name of state.keys()) {
    const match = pattern.exec(name);
    if (match) found.add(Number(match[1]));
  }
  return found.size === 0 || Math.max(...found) === found.size - 1 ? found.size : Number.NaN;
}

function unlike(state: nn.StateDict): string {
  if (state.has("conv1.0.weight")) return "conv1 is a stem of three convolutions (timm's resnet50d and others)";
  if ([...state.keys()].some((name) => name.startsWith("resnet.embedder.")))
    return "its names are those of Hugging Face transformers";
  const names = [...state.keys()];
  return `conv1.weight is missing; it has ${names.slice(0, 3).map(shown).join(", ")}${names.length > 3 ? `, and ${names.length - 3} more` : ""}`;
}
