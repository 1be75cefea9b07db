import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ResNet } from "@fracture/resnet";
import type { Device } from "@fracture/tensor";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import { orderOf } from "../data/sampler.ts";
import { measureTrainingData } from "../distance/measureTrainingData.ts";
import type { Decision } from "../evaluate/decision.ts";
import { writePlots } from "../evaluate/plots.ts";
import { writeMetrics, writeOutcome, type SplitOutcome } from "../evaluate/report.ts";
import { explainOutcome } from "../explain/explainOutcome.ts";
import { CheckpointFiles } from "../loop/checkpoint.ts";
import { featureFilesIn } from "../loop/featureFiles.ts";
import { tensorsDigest } from "../loop/features.ts";
import { fit } from "../loop/fit.ts";
import { DEFAULT_WEIGHT_DECAY } from "../loop/optimizers.ts";
import { DEFAULT_FEATURE_BYTES, type FitOptions } from "../loop/options.ts";
import { subgroupsOf } from "../evaluate/subgroups.ts";
import { writeSubgroups } from "../run/subgroups.ts";
import { checkPrecision } from "../loop/precision.ts";
import { neverTrained, tensorsUpTo } from "../loop/stages.ts";
import { startState } from "../loop/state.ts";
import { createModel } from "../model/initialModel.ts";
import { decisionMetadata, modelMetadata, trainingDataMetadata } from "../model/modelFile.ts";
import { stepLR } from "../optim/stepLR.ts";
import { appendSession, sessionOn } from "../run/environment.ts";
import { readHistory } from "../run/history.ts";
import { writeUnreadable } from "../run/results.ts";
import { RunFolder, type OpenRunOptions, type RunPaths } from "../run/runFolder.ts";
import { EventWriter } from "../run/tensorboard.ts";
import { balancedWeights } from "./classWeights.ts";
import { withoutCopies, withoutCopiesJson, type WithoutCopies } from "./dataCheck.ts";
import { evaluateSplit } from "./evaluateSplit.ts";
import type { RunEvent } from "./events.ts";
import { RunFolderLog } from "./log.ts";
import { writeDataCheck } from "./dataCheckFiles.ts";
import { storeSplit, type StoredSplit } from "./pictures.ts";
import type { PreparedRun, TrainRunResult } from "./types.ts";

const DEFAULT_CHECKPOINT_SECONDS = 60;

type Stored = { readonly train: StoredSplit; readonly val: StoredSplit | null; readonly test: StoredSplit | null };

/** The part of a run that needs a device: model, training, evaluation, results. */
export async function trainOnDevice(
  run: PreparedRun,
  device: Device,
  signal: AbortSignal,
  onEvent: (event: RunEvent) => void,
): Promise<TrainRunResult> {
  const { config, resumed, mode, options } = run;
  const { recipe, classes } = config;
  checkPrecision(recipe.precision, device);
  const model = await startModel(run, device, onEvent);
  const stored = store(run, device);
  const state = startState();
  const position = { epochs: resumed?.state.epochs ?? 0, steps: resumed?.state.steps ?? 0 };
  const scaled = recipe.precision === "mixed";
  const opening: OpenRunOptions =
    mode === "resume" ? { mode, position, scaled } : { mode, config: { ...config }, scaled };
  using folder = await RunFolder.open(options.out, opening);
  using events = new EventWriter(options.out, mode === "resume" ? { resumeAt: position.steps } : {});
  if (mode === "resume") onEvent({ kind: "resumed", ...position });
  await appendSession(folder.paths.environment, sessionOn(device.info));
  const setAside = Object.values(run.splits).flatMap((decoded) =>
    decoded ? decoded.pictures.unreadable.map((file) => ({ split: decoded.split, ...file })) : [],
  );
  await writeDataCheck(folder.paths, run, device);
  // Before training: who watches it can mend them meanwhile.
  if (setAside.length > 0) await writeUnreadable(folder.paths.unreadable, setAside);
  const log = new RunFolderLog(folder, events);
  const checkpoints = new CheckpointFiles(
    {
      model,
      state,
      paths: folder.paths,
      metadata: modelMetadata(config, { ...recipe, stages: [...config.stages] }),
      seconds: options.checkpointSeconds ?? DEFAULT_CHECKPOINT_SECONDS,
      beforeSave: () => log.sync(),
    },
    resumed,
  );
  const fitting = fitOptions(run, stored);
  try {
    await fit({ ...fitting, device, model, state, checkpoints, log, signal, onEvent });
    await checkpoints.finish();
    log.sync();
    const outcomes: SplitOutcome[] = [];
    const { featureFiles: files, featureBytes: mostBytes } = fitting;
    const part = files && (stored.val ?? stored.test) && neverTrained(config.stages);
    const unchanged = part && { part, files, mostBytes, frozen: await tensorsDigest(model, tensorsUpTo(part)) };
    let decision: Decision | null = null;
    // Val first: temperature and threshold are chosen there, and test only sees them applied.
    for (const split of [stored.val, stored.test]) {
      if (!split) continue;
      outcomes.unshift(
        // In f32, whatever the run trained in: the figures are those that `evaluateRun` gives of the model file.
        await evaluateSplit(split, {
          device,
          model,
          classes,
          decision: split.split === "val" ? recipe : decision,
          related: run.related,
          unchanged,
          precision: "f32",
          batchSize: recipe.batchSize,
          signal,
          onEvent,
        }),
      );
      if (split.split !== "val") continue;
      decision = outcomes[0]?.decision ?? null;
      const places = await measureTrainingData(stored.train, split, {
        device,
        model,
        batchSize: recipe.batchSize,
        unchanged,
        signal,
        onBatch: (done, total) => onEvent({ kind: "places", done, total }),
      });
      if (decision ?? places)
        await checkpoints.finish({
          ...(decision ? decisionMetadata(decision) : {}),
          ...(places ? trainingDataMetadata(places) : {}),
        });
    }
    const { epochs } = state;
    const bestEpoch = stored.val ? state.stopping.bestEpoch : null;
    const found = (split: "val" | "test") => outcomes.find((outcome) => outcome.split === split);
    const clean = (split: "val" | "test"): WithoutCopies | null => {
      const outcome = found(split);
      return outcome ? withoutCopies(outcome, run.audit, run.base) : null;
    };
    const honest = { val: clean("val"), test: clean("test") };
    const more = { epochs, bestEpoch, unreadable: unreadable(run), ...withoutCopiesJson(honest) };
    await writeResults(folder.paths, outcomes, more);
    const { preprocessing } = config;
    // Of what comes first in results/: the test split, where there is one.
    if (outcomes[0])
      await explainOutcome(folder.paths.results, outcomes[0], {
        device,
        model,
        preprocessing,
        signal,
        ...(options.explanations === undefined ? {} : { most: options.explanations }),
      });
    const subgroups = outcomes[0] ? subgroupsOf(outcomes[0], run.columns) : null;
    if (subgroups) await writeSubgroups(folder.paths.results, subgroups);
    return {
      folder: options.out,
      epochs,
      bestEpoch,
      metrics: { val: found("val")?.metrics ?? null, test: found("test")?.metrics ?? null },
      outcomes,
      withoutCopies: honest,
      subgroups,
    };
  } finally {
    for (const split of Object.values(stored)) split?.dispose();
    model.dispose();
  }
}

/** The model that training begins with, or, empty, the one that a checkpoint is loaded into. */
async function startModel(
  { config, initial }: PreparedRun,
  device: Device,
  onEvent: (event: RunEvent) => void,
): Promise<ResNet> {
  const { architecture, classes, recipe } = config;
  if (!initial) return new ResNet({ architecture, classes: classes.length, device, generator: null });
  const { model, newHead } = await createModel(device, initial, { classes: classes.length, seed: recipe.seed });
  onEvent({ kind: "model", architecture, weights: recipe.weights, newHead });
  return model;
}

function store({ config, splits }: PreparedRun, device: Device): Stored {
  const { preprocessing, recipe } = config;
  const options = { preprocessing, augmentation: recipe.augmentation, seed: recipe.seed };
  return {
    train: storeSplit(device, splits.train, options),
    val: splits.val && storeSplit(device, splits.val, options),
    test: splits.test && storeSplit(device, splits.test, options),
  };
}

type FromRecipe = Omit<FitOptions, "device" | "model" | "state" | "checkpoints" | "log" | "signal" | "onEvent">;

function fitOptions({ config, options }: PreparedRun, { train, val }: Stored): FromRecipe {
  const { recipe, stages, classes } = config;
  const { optimizer, stepSize, gamma, batchSize, precision, augmentation, patience, monitor } = recipe;
  const { cacheFolder = defaultPictureCacheFolder() } = options;
  return {
    train,
    val,
    stages,
    optimizer,
    weightDecay: recipe.weightDecay ?? DEFAULT_WEIGHT_DECAY[optimizer],
    schedule: stepLR({ stepSize, gamma }),
    batchSize,
    precision,
    augment: augmentation !== null,
    classWeights: recipe.classWeights === "balanced" ? balancedWeights(train.labels, classes.length) : null,
    stopping: { patience, monitor },
    order: orderOf(recipe, train.labels),
    featureBytes: options.featureBytes ?? DEFAULT_FEATURE_BYTES,
    featureFiles: featureFilesIn(cacheFolder),
  };
}

/** `results/`: the test split's figures at the top where there is one, val's in a folder of their own. */
async function writeResults(
  paths: RunPaths,
  outcomes: readonly SplitOutcome[],
  more: { epochs: number; bestEpoch: number | null; unreadable: Readonly<Record<string, number>> },
): Promise<void> {
  for (const [i, outcome] of outcomes.entries())
    await writeOutcome(i === 0 ? paths.results : join(paths.results, outcome.split), outcome);
  await writePlots(paths.results, { training: { history: readHistory(paths.history), bestEpoch: more.bestEpoch } });
  if (outcomes.length > 0) await writeMetrics(paths.metrics, outcomes, more);
  else if (existsSync(paths.metrics)) await rm(paths.metrics); // of another data folder
}

/** Pictures that were set aside, by split. */
function unreadable({ splits }: PreparedRun): Record<string, number> {
  return Object.fromEntries(
    Object.values(splits).flatMap((decoded) => (decoded ? [[decoded.split, decoded.pictures.unreadable.length]] : [])),
  );
}
