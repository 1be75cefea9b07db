import {
  identifyArchitecture,
  loadWeights,
  namingFile,
  readWeights,
  ResNet,
  type Architecture,
} from "@fracture/resnet";
import { nn, type Device } from "@fracture/tensor";
import { ModelFileError } from "./errors.ts";
import { refuseNonFinite } from "./finite.ts";

/** What training begins with, on the host. */
export interface InitialWeights {
  readonly architecture: Architecture;
  /** Null: from scratch. */
  readonly weights: nn.StateDict | null;
  /** Their file, for messages. */
  readonly path?: string;
}

/** The head of a weight file has another size, and a new one takes its place. */
export interface NewHead {
  readonly classesInFile: number;
  readonly classes: number;
}

/** The network where neither an architecture nor weights are named. */
export const DEFAULT_ARCHITECTURE: Architecture = "resnet50";

/**
 * Reads the weights that training begins with. Opens no device.
 *
 * @param path null to begin from scratch
 * @param architecture null to take the file's
 * @throws WeightsError where it is no ResNet's weight file, ModelFileError where it is another architecture's
 */
export async function readInitialWeights(
  path: string | null,
  architecture: Architecture | null,
): Promise<InitialWeights> {
  if (path === null) return { architecture: architecture ?? DEFAULT_ARCHITECTURE, weights: null };
  const { state } = await readWeights(path);
  const found = namingFile(path, () => identifyArchitecture(state)).architecture;
  refuseNonFinite(path, state);
  if (architecture !== null && architecture !== found)
    throw new ModelFileError(path, `holds a ${found}, and a ${architecture} is wanted`);
  return { architecture: found, weights: state, path };
}

/**
 * The model that training begins with. What the weights don't give is drawn from the seed: a head as torch's nn.Linear is
 * initialised, or the whole network as torchvision's.
 *
 * @throws ModelFileError (nn.StateDictError where no file is named) where the weights don't fit, with the whole list
 */
export async function createModel(
  device: Device,
  { architecture, weights, path }: InitialWeights,
  { classes, seed }: { readonly classes: number; readonly seed: number },
): Promise<{ readonly model: ResNet; readonly newHead: NewHead | null }> {
  const generator = new nn.Generator(seed);
  const model = new ResNet({ architecture, classes, device, generator: weights ? null : generator });
  if (!weights) return { model, newHead: null };
  const [, features] = model.fc.weight.shape as [number, number];
  const head = new nn.Linear(features, classes, { device, generator });
  device.copy(head.weight.storage, model.fc.weight.storage);
  device.copy(head.bias.storage, model.fc.bias.storage);
  head.dispose();
  try {
    return { model, newHead: (await loadWeights(model, weights)).newHead };
  } catch (error) {
    model.dispose();
    if (path === undefined || !(error instanceof nn.StateDictError)) throw error;
    throw new ModelFileError(path, error.message, { cause: error });
  }
}
