import { existsSync, statSync } from "node:fs";
import {
  ARCHITECTURES,
  findPublishedByHash,
  identifyArchitecture,
  namingFile,
  IMAGENET_PREPROCESSING,
  parsePreprocessing,
  readWeights,
  ResNet,
  safetensorsPieces,
  sha256OfFile,
  type Architecture,
  type Preprocessing,
} from "@fracture/resnet";
import { nn, type Device } from "@fracture/tensor";
import { z } from "zod";
import { TrainingData } from "../distance/trainingData.ts";
import { decisionSchema, type Decision } from "../evaluate/decision.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { recipeSchema, type Recipe } from "../recipe/recipe.ts";
import { runPaths } from "../run/runFolder.ts";
import { isSeedsFolder } from "../seeds/seedsFolder.ts";
import { FRACTURE_VERSION } from "../version.ts";
import { ModelFileError } from "./errors.ts";
import { refuseNonFinite } from "./finite.ts";

/** Marks our model files; the number changes when a reader would have to. */
export const MODEL_FORMAT = "fracture-model/1";

/** What a model is, beside its weights. */
export interface ModelDescription {
  readonly architecture: Architecture;
  /** Names in the order of the logits: sorted, as torchvision numbers the folders. */
  readonly classes: readonly string[];
  /** The only preprocessing that the weights may be used with. */
  readonly preprocessing: Preprocessing;
}

/** A model file on the host. */
export interface ModelFile extends ModelDescription {
  readonly path: string;
  readonly weights: nn.StateDict;
  /** How it was trained; null for published weights, whose classes have numbers for names. */
  readonly recipe: Recipe | null;
  /** How logits become probabilities and decisions; null: by softmax, and the largest. */
  readonly decision: Decision | null;
  /** Where its training pictures lie; null where the file doesn't say. */
  readonly trainingData: TrainingData | null;
  /** All that the file says of itself, for a file that is written from it; empty where it says nothing. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A model on a device. */
export interface LoadedModel extends ModelDescription {
  readonly path: string;
  readonly model: ResNet;
}

/** The metadata of `best.safetensors`: strings, as the format wants them; the same description gives the same bytes. */
export function modelMetadata(
  { architecture, classes, preprocessing }: ModelDescription,
  recipe: Recipe | null,
): Record<string, string> {
  return {
    format: MODEL_FORMAT,
    fracture: FRACTURE_VERSION,
    architecture,
    classes: JSON.stringify(classes),
    preprocessing: JSON.stringify(preprocessing),
    recipe: JSON.stringify(recipe),
  };
}

/** What `best.safetensors` holds beside that once its run has been evaluated on the validation split. */
export const decisionMetadata = (decision: Decision): Record<string, string> => ({
  decision: JSON.stringify(decision),
});

/** And what tells how far a picture lies from those that it was trained on. */
export const trainingDataMetadata = (data: TrainingData): Record<string, string> => ({ trainingData: data.toText() });

/**
 * Writes a model file, atomically: safetensors in torchvision's names and layout, so that `load_state_dict` takes it as it is.
 *
 * @param recipe how it was trained
 * @throws FileWriteError
 */
export async function saveModel(
  path: string,
  weights: nn.StateDict,
  description: ModelDescription,
  recipe: Recipe | null = null,
): Promise<void> {
  await writeFileAtomic(path, safetensorsPieces(weights, modelMetadata(description, recipe)));
}

/**
 * Reads a model argument: a run folder (its `best.safetensors`), a `.safetensors` of ours, or published weights, whose
 * architecture and classes follow from the shapes, and whose preprocessing is the one that they were published with.
 * Opens no device.
 *
 * @throws ModelFileError where there is no such file or a run has no weights yet, WeightsError where it is no weight file
 */
export async function readModelFile(argument: string): Promise<ModelFile> {
  const path = weightsPath(argument);
  const { state, metadata } = await readWeights(path);
  const { architecture, classes } = namingFile(path, () => identifyArchitecture(state));
  refuseNonFinite(path, state);
  if (metadata["format"] !== MODEL_FORMAT) {
    const names = Array.from({ length: classes }, (_, i) => String(i));
    const preprocessing = await publishedPreprocessing(path);
    const published = { architecture, classes: names, preprocessing, recipe: null, decision: null, trainingData: null };
    return { path, weights: state, metadata, ...published };
  }
  const description = parseDescription(path, metadata, state.get("fc.weight")!.shape[1]!);
  if (description.architecture !== architecture || description.classes.length !== classes) {
    throw new ModelFileError(
      path,
      `says that it is a ${description.architecture} with ${description.classes.length} classes, but its tensors are a ${architecture} with ${classes}`,
    );
  }
  return { path, weights: state, metadata, ...description };
}

/** `readModelFile`, and the model on a device, in inference mode. The caller disposes of it. */
export async function loadModel(argument: string, device: Device): Promise<LoadedModel> {
  return onDevice(await readModelFile(argument), device);
}

/** A model file's model on a device, in inference mode. */
export function onDevice(file: ModelFile, device: Device): LoadedModel {
  const { path, weights, architecture, classes, preprocessing } = file;
  const model = new ResNet({ architecture, classes: classes.length, device, generator: null });
  try {
    model.loadStateDict(weights);
  } catch (error) {
    model.dispose();
    throw error instanceof nn.StateDictError ? new ModelFileError(path, error.message, { cause: error }) : error;
  }
  model.eval();
  return { path, model, architecture, classes, preprocessing };
}

function weightsPath(argument: string): string {
  if (!existsSync(argument))
    throw new ModelFileError(argument, "no such file or folder (a model is a run folder, a .safetensors or a .pth)");
  if (!statSync(argument).isDirectory()) return argument;
  const { best, config } = runPaths(argument);
  if (existsSync(best)) return best;
  if (isSeedsFolder(argument))
    throw new ModelFileError(argument, "holds the runs of several seeds: name one of them, such as its folder seed-0");
  throw new ModelFileError(
    argument,
    existsSync(config)
      ? "the run has no best.safetensors yet: its first epoch was not finished"
      : "is a folder, but not that of a run (no config.json)",
  );
}

/** What a set of torchvision's was published with, known by the file's content; V1's for every other file. */
async function publishedPreprocessing(path: string): Promise<Preprocessing> {
  return findPublishedByHash(await sha256OfFile(path))?.preprocessing ?? IMAGENET_PREPROCESSING.V1;
}

const ARCHITECTURE_NAMES = Object.keys(ARCHITECTURES) as [Architecture, ...Architecture[]];
const classesSchema = z.array(z.string().min(1)).min(1);

function parseDescription(
  path: string,
  metadata: Readonly<Record<string, string>>,
  features: number,
): ModelDescription & Pick<ModelFile, "recipe" | "decision" | "trainingData"> {
  try {
    const description = {
      architecture: z.enum(ARCHITECTURE_NAMES).parse(metadata["architecture"]),
      classes: classesSchema.parse(JSON.parse(metadata["classes"] ?? "")),
      preprocessing: parsePreprocessing(JSON.parse(metadata["preprocessing"] ?? "")),
      recipe: recipeSchema.nullable().parse(JSON.parse(metadata["recipe"] ?? "null")),
      decision: decisionSchema.nullable().parse(JSON.parse(metadata["decision"] ?? "null")),
      trainingData:
        metadata["trainingData"] === undefined ? null : TrainingData.parse(metadata["trainingData"], features),
    };
    const { classes, decision } = description;
    const of = decision?.threshold?.positiveClass;
    if (of !== undefined && (classes.length !== 2 || !classes.includes(of)))
      throw new RangeError(`it has a threshold for "${of}", which is none of two classes`);
    return description;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new ModelFileError(path, `its metadata is damaged (${reason})`, { cause });
  }
}
