import { resolve } from "node:path";
import { workingPreprocessing } from "@fracture/resnet";
import { refuseInside } from "../audit/writeAudit.ts";
import { balancedWeights } from "../api/classWeights.ts";
import { decodeSplit, storeSplit } from "../api/pictures.ts";
import { readTrainingData } from "../api/trainingData.ts";
import type { RunContext } from "../api/types.ts";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import { orderOf } from "../data/sampler.ts";
import { InterruptedError } from "../loop/errors.ts";
import { featureFilesIn } from "../loop/featureFiles.ts";
import { fit } from "../loop/fit.ts";
import { DEFAULT_WEIGHT_DECAY } from "../loop/optimizers.ts";
import { DEFAULT_FEATURE_BYTES, type Checkpoints } from "../loop/options.ts";
import { checkPrecision } from "../loop/precision.ts";
import type { Stage } from "../loop/stages.ts";
import { startState } from "../loop/state.ts";
import { createModel, readInitialWeights } from "../model/initialModel.ts";
import { RecipeError } from "../recipe/errors.ts";
import { parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { stagesOf } from "../recipe/stages.ts";
import { suggestRates, sweptRate, type RatePoint, type RateSuggestions } from "./suggest.ts";
import { Sweep } from "./sweep.ts";

export interface FindRateOptions {
  /** The data folder; only its training pictures are looked at. */
  readonly data: string;
  /** `lr` and the schedule don't count; that of the backbone keeps its ratio to that of the head. */
  readonly recipe: RecipeOptions;
  /** Which of the recipe's stages, from 1, from the recipe's weights on. Default: the first. */
  readonly stage?: number;
  /** Default: 100. */
  readonly steps?: number;
  /** Default: 1e-7. */
  readonly from?: number;
  /** Default: 10. */
  readonly to?: number;
  /** Where the caller will write what is found: not among the pictures. */
  readonly out?: string;
  readonly cacheFolder?: string | null;
  readonly featureBytes?: number;
}

/** What a sweep of the learning rate found. */
export interface RateSearch {
  readonly stage: Stage;
  /** Steps that were planned. */
  readonly steps: number;
  readonly points: readonly RatePoint[];
  /** The loss left all bounds, or was not finite any more, and the sweep ended there. */
  readonly diverged: boolean;
  readonly suggestions: RateSuggestions;
}

/**
 * Trains for some steps with a rate that rises from step to step, and looks at how the loss takes it (Smith 2015): the rate to train with lies where
 * it falls. The model is thrown away; nothing is written. The same options give the same points.
 *
 * @throws RecipeError, DataFolderError, WeightsError, ModelFileError, UnreadablePicturesError before the device is opened; InterruptedError
 */
export async function findRate(options: FindRateOptions, context: RunContext): Promise<RateSearch> {
  const { openDevice, signal = new AbortController().signal, onEvent = () => {} } = context;
  const { steps = 100, from = 1e-7, to = 10, featureBytes = DEFAULT_FEATURE_BYTES } = options;
  const { cacheFolder = defaultPictureCacheFolder() } = options;
  const recipe = parseRecipe(options.recipe);
  const stage = stageOf(stagesOf(recipe), options.stage ?? 1);
  checkSweep(steps, from, to);
  try {
    const root = resolve(options.data);
    const data = await readTrainingData(root, recipe);
    if (options.out !== undefined) await refuseInside(options.out, root);
    const initial = await readInitialWeights(recipe.weights, recipe.architecture);
    const { classes } = data;
    const preprocessing = workingPreprocessing(recipe.size, { channels: recipe.channels });
    const decoding = { preprocessing, allowUnreadable: true, classes, cacheFolder, signal, onEvent };
    const decoded = await decodeSplit("train", data.splits.train!, decoding);
    const device = await openDevice();
    checkPrecision(recipe.precision, device);
    const { model } = await createModel(device, initial, { classes: classes.length, seed: recipe.seed });
    const train = storeSplit(device, decoded, {
      preprocessing,
      augmentation: recipe.augmentation,
      seed: recipe.seed,
    });
    const sweep = new Sweep(steps, signal, onEvent);
    const samples = train.labels.length;
    const batchSize = Math.min(recipe.batchSize, samples);
    const batches = Math.floor(samples / batchSize);
    const order = orderOf(recipe, train.labels);
    try {
      await fit({
        device,
        model,
        train,
        val: null,
        // An epoch of the loop is a step of the sweep, so that the schedule, which is by the epoch, is by the step.
        stages: [{ ...stage, epochs: steps, lr: 1, backboneLr: stage.backboneLr / stage.lr, warmup: 0 }],
        schedule: (ratio, step) => ratio * sweptRate(step, steps, from, to),
        order: (step) => {
          const start = (step % batches) * batchSize;
          return order(Math.floor(step / batches)).slice(start, start + batchSize);
        },
        batchSize,
        optimizer: recipe.optimizer,
        weightDecay: recipe.weightDecay ?? DEFAULT_WEIGHT_DECAY[recipe.optimizer],
        precision: recipe.precision,
        augment: recipe.augmentation !== null,
        classWeights: recipe.classWeights === "balanced" ? balancedWeights(train.labels, classes.length) : null,
        stopping: { patience: null },
        featureBytes,
        featureFiles: featureFilesIn(cacheFolder),
        state: startState(),
        checkpoints: NO_CHECKPOINTS,
        log: sweep,
        signal: sweep.signal,
        onEvent: (event) => (event.kind === "features" ? onEvent(event) : undefined),
      });
    } catch (error) {
      sweep.endedBy(error);
    } finally {
      train.dispose();
      model.dispose();
    }
    signal.throwIfAborted();
    const { points, diverged } = sweep;
    return { stage, steps, points, diverged, suggestions: suggestRates(points, steps) };
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw new InterruptedError({ saved: false });
    throw error;
  }
}

/** The model is thrown away. */
const NO_CHECKPOINTS: Checkpoints = {
  due: () => false,
  save: async () => {},
  restoreOptimizer: () => {},
  beginStage: async () => {},
  keepBest: async () => {},
  restoreBest: () => {},
};

function stageOf(stages: readonly Stage[], number: number): Stage {
  const stage = stages[number - 1];
  if (stage) return stage;
  throw new RecipeError("these options make no sense:", [
    `stage: there ${stages.length === 1 ? "is one stage" : `are ${stages.length} stages`}, and no number ${number}`,
  ]);
}

/** What is left out at both ends of fewer steps would leave nothing. */
const LEAST_STEPS = 20;

function checkSweep(steps: number, from: number, to: number): void {
  const faults = [
    ...(Number.isInteger(steps) && steps >= LEAST_STEPS
      ? []
      : [`steps: must be at least ${LEAST_STEPS}, got ${steps}`]),
    ...(from > 0 && to > from && to < Infinity ? [] : [`from: must be above zero and below to, got ${from} and ${to}`]),
  ];
  if (faults.length > 0) throw new RecipeError("these options make no sense:", faults);
}
