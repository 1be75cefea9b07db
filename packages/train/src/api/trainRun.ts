import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { workingPreprocessing } from "@fracture/resnet";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import type { DataFolder } from "../data/folder.ts";
import { readCheckpoint } from "../loop/checkpoint.ts";
import { InterruptedError } from "../loop/errors.ts";
import { readInitialWeights, type InitialWeights } from "../model/initialModel.ts";
import { checkSameRecipe, parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { RecipeError } from "../recipe/errors.ts";
import { stagesOf } from "../recipe/stages.ts";
import { writeReport } from "../report/writeReport.ts";
import { checkRunFolder, runPaths } from "../run/runFolder.ts";
import { auditedSetOf } from "../audit/auditedSet.ts";
import { refuseInside } from "../audit/writeAudit.ts";
import type { RunEvent } from "./events.ts";
import { checkRunData, filmsOfRun, patientsOf } from "./dataCheck.ts";
import { refuseLoneBatch } from "./loneBatch.ts";
import { decodeSplit, type DecodedSplit } from "./pictures.ts";
import { checkSameData, loadRunConfig, newRunConfig, type RunConfig } from "./runConfig.ts";
import { relatedPictures } from "./relatedPictures.ts";
import { refuseVainThreshold } from "./thresholdChoice.ts";
import { readTrainingData, splitsItself } from "./trainingData.ts";
import { trainOnDevice } from "./trainOnDevice.ts";
import type { PreparedRun, RunContext, TrainRunOptions, TrainRunResult } from "./types.ts";

/**
 * Trains, evaluates on val and test with the best weights, and leaves a run folder with everything in it: `config.json`,
 * `history.csv`, `steps.csv`, TensorBoard events, `best.safetensors`, `last.safetensors`, `results/` with the report.
 *
 * The input is checked before the device is opened, in this order: options, the data folder, the run folder, the weights,
 * the pictures; where the run splits them itself, copies of one film are kept together. What `checkRunData` finds is told, and stops nothing.
 *
 * @throws RecipeError, DataFolderError, RunFolderError, WeightsError, ModelFileError, UnreadablePicturesError for wrong
 *   input; nn.StateDictError, NonFiniteLossError, InterruptedError, FileWriteError
 */
export async function trainRun(options: TrainRunOptions, context: RunContext): Promise<TrainRunResult> {
  const { signal = new AbortController().signal, onEvent = () => {}, openDevice } = context;
  try {
    const run = await prepareRun(options, signal, onEvent);
    const result = await trainOnDevice(run, await openDevice(), signal, onEvent);
    await writeReport(options.out);
    return result;
  } catch (error) {
    // Before training and after it there is nothing to save.
    if (signal.aborted && error === signal.reason) throw new InterruptedError({ saved: false });
    throw error;
  }
}

async function prepareRun(
  options: TrainRunOptions,
  signal: AbortSignal,
  onEvent: (event: RunEvent) => void,
): Promise<PreparedRun> {
  const { out, mode = "new" } = options;
  const started = mode === "resume" ? await configToResume(options) : null;
  const recipe = started?.recipe ?? parseRecipe(absolute(options.recipe));
  const root = dataOf(options, started);
  const listed = await readTrainingData(root, recipe);
  // A run among the pictures would be a class of them, or lie among them, the next time.
  await refuseInside(out, root);
  await checkRunFolder(out, mode);
  const { last } = runPaths(out);
  // A run that was killed before its first checkpoint has its beginning to go on from.
  const resumed = mode === "resume" && existsSync(last) ? await readCheckpoint(last) : null;
  const initial = resumed
    ? null
    : await readInitialWeights(recipe.weights, started?.architecture ?? recipe.architecture);
  const preprocessing = workingPreprocessing(recipe.size, { channels: recipe.channels });
  const allowUnreadable = options.allowUnreadable ?? started?.allowUnreadable ?? false;
  const { cacheFolder = defaultPictureCacheFolder() } = options;
  const looking = { cacheFolder, signal, onEvent };
  // Pictures are read only now that all else is known to be right.
  const divided = splitsItself(listed, recipe);
  const data = divided ? await readTrainingData(root, recipe, ["train"], filmsOfRun(looking)) : listed;
  if (started) checkSameData(started, data);
  refuseVainThreshold(recipe, data);
  const { splits, classes, ignored } = data;
  const count = (split: "train" | "val" | "test"): number | null => splits[split]?.paths.length ?? null;
  onEvent({
    kind: "data",
    classes,
    counts: { train: count("train"), val: count("val"), test: count("test") },
    ignored,
    dividedBySeed: divided ? (recipe.splitSeed ?? recipe.seed) : null,
  });
  const audit = await checkRunData(data, recipe, looking);
  const decoding = { preprocessing, allowUnreadable, classes, cacheFolder, signal, onEvent };
  const decoded = async (split: "val" | "test"): Promise<DecodedSplit | null> =>
    splits[split] && (await decodeSplit(split, splits[split], decoding));
  const [train, val, test] = [
    await decodeSplit("train", splits.train!, decoding),
    await decoded("val"),
    await decoded("test"),
  ];
  const config = started ?? (await newConfig({ data, recipe, preprocessing, allowUnreadable, initial: initial! }));
  refuseLoneBatch(config.recipe, config.stages, train.labels.length);
  return {
    options,
    mode,
    config,
    audit,
    related: relatedPictures(data, audit, recipe),
    columns: data.columns,
    divided: divided ? auditedSetOf(data, patientsOf(recipe)) : null,
    base: data.base,
    splits: { train, val, test },
    initial,
    resumed,
  };
}

async function newConfig(given: {
  data: DataFolder;
  recipe: RunConfig["recipe"];
  preprocessing: RunConfig["preprocessing"];
  allowUnreadable: boolean;
  initial: InitialWeights;
}): Promise<RunConfig> {
  const { data, recipe, preprocessing, allowUnreadable, initial } = given;
  const { architecture } = initial;
  const stages = stagesOf(recipe);
  return newRunConfig({ allowUnreadable, recipe, architecture, classes: data.classes, preprocessing, stages }, data);
}

async function configToResume({ out, recipe }: TrainRunOptions): Promise<RunConfig> {
  await checkRunFolder(out, "resume");
  const config = await loadRunConfig(out);
  checkSameRecipe(config.recipe, absolute(recipe));
  return config;
}

/** The weights' path as any other working folder can use it. */
function absolute(recipe: RecipeOptions): RecipeOptions {
  return recipe.weights ? { ...recipe, weights: resolve(recipe.weights) } : recipe;
}

function dataOf({ data }: TrainRunOptions, started: RunConfig | null): string {
  const root = data ?? started?.data;
  if (root === undefined)
    throw new RecipeError("these options make no sense:", ["data: a folder of pictures is needed"]);
  if (data === undefined && !existsSync(root))
    throw new RecipeError("a resumed run goes on as it was started:", [
      `data: ${root} is there no longer; name the folder where its pictures are now`,
    ]);
  return resolve(root);
}
