import type { Part, ResNet } from "@fracture/resnet";
import { optim, SlotPool, tensor, type Device, type Tensor } from "@fracture/tensor";
import { softmaxRows } from "../evaluate/softmax.ts";
import type { Schedule } from "../optim/stepLR.ts";
import type { HistoryRow } from "../run/history.ts";
import type { StepRow } from "../run/runFolder.ts";
import { renewPatience, updateEarlyStopping, type EarlyStoppingOptions } from "./earlyStopping.ts";
import { InterruptedError, NonFiniteLossError } from "./errors.ts";
import { FeatureCache } from "./featureCache.ts";
import { FeatureFeed, type Feed } from "./feeds.ts";
import { ForwardPass } from "./forward.ts";
import { trainProgram, type BatchProgram, type TrainResult } from "./programs.ts";
import { ReadRing } from "./readRing.ts";
import { applyStage, type Stage, type TrainableParts } from "./stages.ts";
import { emptySums, type FitState } from "./state.ts";

/** Samples as the loop needs them. */
export interface SampleSet {
  readonly labels: ArrayLike<number>;
  readonly paths: readonly string[];
  /** Pictures as they are (`augment` false), or another view of them every epoch. */
  feed(options: { readonly augment: boolean }): Feed;
}

export type OptimizerName = "adam" | "adamw" | "sgd";

export interface FitOptions {
  readonly device: Device;
  readonly model: ResNet;
  readonly train: SampleSet;
  /** null: no early stopping, and the last weights are the best. */
  readonly val: SampleSet | null;
  readonly stages: readonly Stage[];
  readonly optimizer: OptimizerName;
  readonly weightDecay: number;
  readonly schedule: Schedule;
  readonly batchSize: number;
  readonly augment: boolean;
  /** [classes], or null for equal weights. */
  readonly classWeights: readonly number[] | null;
  readonly stopping: EarlyStoppingOptions;
  /** The order of the samples in an epoch, which counts from 0. */
  readonly order: (epoch: number) => readonly number[];
  /** Bytes of device memory that cached features may take. */
  readonly featureBytes: number;
  /** Where the run stands at first, and where it is kept up to date. */
  readonly state: FitState;
  readonly checkpoints: Checkpoints;
  readonly log: { appendStep(row: StepRow): void; appendEpoch(row: HistoryRow): void };
  readonly signal: AbortSignal;
  readonly onEvent: (event: FitEvent) => void;
}

/** Keeps the model on disk. */
export interface Checkpoints {
  /** Tensors of the best epoch so far, of every name that training has changed; empty before the first epoch. */
  readonly best: Map<string, unknown>;
  /** Saves where the run stands, if enough time has passed or `now`. */
  save(optimizer: optim.Optimizer | null, options: { readonly now: boolean }): Promise<void>;
  /** Puts the moments of the resumed checkpoint into the optimiser. Does nothing on a fresh run, or the second time. */
  restoreOptimizer(optimizer: optim.Optimizer): void;
  /** The model's present weights are the best. */
  keepBest(changes: (name: string) => boolean): Promise<void>;
  /** Puts the best weights back into the model. */
  restoreBest(): void;
}

export type FitEvent =
  | { readonly kind: "stage"; readonly stage: Stage; readonly index: number; readonly count: number }
  | { readonly kind: "features"; readonly done: number; readonly total: number }
  | {
      readonly kind: "step";
      readonly epoch: number;
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      readonly imagesPerSecond: number;
      readonly secondsLeft: number;
    }
  | { readonly kind: "epoch"; readonly row: HistoryRow; readonly improved: boolean }
  | { readonly kind: "stopped"; readonly epoch: number; readonly bestEpoch: number | null };

/**
 * Trains a model in stages: the loop of torch users, with captured steps, two of them in flight, and everything that
 * decides the result in `state` and the checkpoint. Ends with the best weights in the model. Throws InterruptedError after
 * saving when `signal` aborts, NonFiniteLossError when a loss is NaN or infinite.
 */
export async function fit(options: FitOptions): Promise<void> {
  const { stages, state, checkpoints, onEvent } = options;
  while (state.stage < stages.length) {
    const stage = stages[state.stage]!;
    onEvent({ kind: "stage", stage, index: state.stage, count: stages.length });
    using run = new StageRun(options, stage);
    await run.prepare();
    await run.train();
    if (options.val) checkpoints.restoreBest();
    state.stage += 1;
    state.stageEpochs = 0;
    state.stopping = renewPatience(state.stopping);
    await checkpoints.save(null, { now: true });
  }
}

class StageRun {
  readonly #options: FitOptions;
  readonly #stage: Stage;
  readonly #parts: TrainableParts;
  readonly #slots: SlotPool;
  readonly #optimizer: optim.Optimizer;
  readonly #classWeights: Tensor | null;
  readonly #programs = new Map<number, BatchProgram<TrainResult>>();
  readonly #caches: FeatureCache[] = [];
  #feed: Feed | null = null;
  #validation: ForwardPass | null = null;

  constructor(options: FitOptions, stage: Stage) {
    const { device, model, classWeights } = options;
    this.#options = options;
    this.#stage = stage;
    this.#parts = applyStage(model, stage);
    this.#slots = new SlotPool(device);
    this.#optimizer = createOptimizer(options, stage, this.#parts);
    this.#classWeights = classWeights && tensor(classWeights, { device });
  }

  /** Computes features that can't change, restores the optimiser. */
  async prepare(): Promise<void> {
    const { train, val, augment, checkpoints } = this.#options;
    checkpoints.restoreOptimizer(this.#optimizer);
    this.#feed = await this.#cached(train, augment);
    const valFeed = val && (await this.#cached(val, false));
    this.#validation = valFeed && new ForwardPass(this.#forwardOptions(), valFeed, "fc");
  }

  async train(): Promise<void> {
    const { state, stopping, val, checkpoints, onEvent, log, schedule } = this.#options;
    while (state.stageEpochs < this.#stage.epochs) {
      const rates = [this.#stage.backboneLr, this.#stage.lr].map((lr) => schedule(lr, state.stageEpochs));
      this.#optimizer.learningRates = this.#parts.backbone.length > 0 ? rates : rates.slice(1);
      const started = performance.now();
      const samples = await this.#epoch(rates[1]!);
      const trainLoss = state.partial.loss / state.partial.weight;
      const trainAccuracy = state.partial.correct / state.partial.seen;
      const validated = val ? await this.#validate(val) : null;
      const seconds = (performance.now() - started) / 1000;
      const row: HistoryRow = {
        epoch: state.epochs + 1,
        stage: this.#stage.name,
        trainLoss,
        trainAccuracy,
        valLoss: validated?.loss ?? null,
        valAccuracy: validated?.accuracy ?? null,
        lrBackbone: this.#parts.backbone.length > 0 ? rates[0]! : null,
        lrHead: rates[1]!,
        seconds,
        imagesPerSecond: samples / seconds,
      };
      const watched =
        validated && ((stopping.monitor ?? "valLoss") === "valLoss" ? validated.loss : validated.accuracy);
      const update = watched === null ? null : updateEarlyStopping(state.stopping, row.epoch, watched, stopping);
      if (update) state.stopping = update.state;
      state.epochs += 1;
      state.stageEpochs += 1;
      state.epochSteps = 0;
      state.partial = emptySums();
      if (update?.improved) await checkpoints.keepBest(this.#parts.changes);
      log.appendEpoch(row);
      onEvent({ kind: "epoch", row, improved: update?.improved ?? false });
      if (update?.stop) {
        onEvent({ kind: "stopped", epoch: row.epoch, bestEpoch: state.stopping.bestEpoch });
        return;
      }
      await checkpoints.save(this.#optimizer, { now: false });
    }
  }

  [Symbol.dispose](): void {
    for (const { batch, labels, program } of this.#programs.values()) {
      program.result.loss.dispose();
      program.result.logits.dispose();
      program.dispose();
      labels.dispose();
      batch.dispose();
    }
    this.#validation?.dispose();
    for (const cache of this.#caches) cache.dispose();
    this.#classWeights?.dispose();
    this.#slots.dispose();
    this.#optimizer.dispose();
  }

  /** Steps through an epoch from where the state says; returns how many samples were seen. */
  async #epoch(lr: number): Promise<number> {
    const { order, state, train, batchSize, signal, log, onEvent, checkpoints } = this.#options;
    const samples = order(state.epochs);
    const steps = Math.ceil(samples.length / batchSize);
    const started = performance.now();
    const firstStep = state.epochSteps;
    const ring = new ReadRing<StepReading>((reading) => {
      this.#account(reading);
      const { epochSteps } = state;
      log.appendStep({ epoch: state.epochs + 1, step: state.steps, loss: reading.loss, lr });
      const rate = (performance.now() - started) / (epochSteps - firstStep);
      const secondsLeft = (rate * ((this.#stage.epochs - state.stageEpochs) * steps - epochSteps)) / 1000;
      onEvent({
        kind: "step",
        epoch: state.epochs + 1,
        step: epochSteps,
        steps,
        loss: reading.loss,
        imagesPerSecond: (batchSize * 1000) / rate,
        secondsLeft,
      });
    });
    for (let step = firstStep; step < steps; step++) {
      if (signal.aborted) {
        await ring.drain();
        await checkpoints.save(this.#optimizer, { now: true });
        throw new InterruptedError();
      }
      const batch = samples.slice(step * batchSize, (step + 1) * batchSize);
      const labels = batch.map((sample) => train.labels[sample]!);
      const { batch: inputs, labels: target, program } = await this.#program(batch.length);
      target.write(labels);
      inputs.load(batch, state.epochs);
      program.replay();
      const reading = Promise.all([program.result.loss.data(), program.result.logits.data()]);
      await ring.push(reading.then(([loss, logits]) => ({ loss: loss[0]!, logits, labels, samples: batch })));
    }
    await ring.drain();
    return samples.length - firstStep * batchSize;
  }

  #account({ loss, logits, labels, samples }: StepReading): void {
    const { state, classWeights, model, train } = this.#options;
    if (!Number.isFinite(loss)) {
      throw new NonFiniteLossError(
        loss,
        state.epochs + 1,
        state.epochSteps + 1,
        samples.map((sample) => train.paths[sample]!),
      );
    }
    const weight = labels.reduce((total, label) => total + (classWeights?.[label] ?? 1), 0);
    state.partial.loss += loss * weight;
    state.partial.weight += weight;
    state.partial.correct += countCorrect(logits, labels, model.classes);
    state.partial.seen += labels.length;
    state.epochSteps += 1;
    state.steps += 1;
  }

  async #validate({ labels }: SampleSet): Promise<{ loss: number; accuracy: number }> {
    const { model } = this.#options;
    model.eval();
    const logits = await this.#validation!.collect(labels.length);
    applyStage(model, this.#stage);
    const probabilities = softmaxRows(logits, model.classes);
    const loss = Array.from(labels).reduce(
      (sum, label, i) => sum - Math.log(Math.max(probabilities[i * model.classes + label]!, Number.MIN_VALUE)),
      0,
    );
    return {
      loss: loss / labels.length,
      accuracy: countCorrect(logits, Array.from(labels), model.classes) / labels.length,
    };
  }

  /** A feed of the features of the frozen parts, where they can't change and fit; else of pictures. */
  async #cached(set: SampleSet, augment: boolean): Promise<Feed> {
    const { device, featureBytes, onEvent } = this.#options;
    const pictures = set.feed({ augment });
    const { frozen } = this.#parts;
    const samples = set.labels.length;
    if (!frozen || augment) return pictures;
    const pass = new ForwardPass(
      { ...this.#forwardOptions(), onBatch: (done, total) => onEvent({ kind: "features", done, total }) },
      pictures,
      frozen,
    );
    try {
      const shape = await pass.outputShape();
      const held = this.#caches.reduce((sum, cache) => sum + cache.bytes, 0);
      if (held + FeatureCache.bytesOf(samples, shape) > featureBytes) return pictures;
      const cache = new FeatureCache(device, samples, shape);
      this.#caches.push(cache);
      await pass.run(samples, (features, indices) => cache.store(features, indices));
      return new FeatureFeed(device, frozen, cache);
    } finally {
      pass.dispose();
    }
  }

  async #program(size: number): Promise<BatchProgram<TrainResult>> {
    let found = this.#programs.get(size);
    if (!found) {
      const { device, model } = this.#options;
      const { frozen, first } = this.#parts;
      found = await trainProgram({ device, model, slots: this.#slots }, this.#feed!, size, {
        frozen,
        first,
        classWeights: this.#classWeights,
        optimizer: this.#optimizer,
      });
      this.#programs.set(size, found);
    }
    return found;
  }

  #forwardOptions(): ConstructorParameters<typeof ForwardPass>[0] {
    const { device, model, batchSize, signal } = this.#options;
    return { device, model, slots: this.#slots, batchSize, signal };
  }
}

interface StepReading {
  readonly loss: number;
  readonly logits: ArrayLike<number>;
  readonly labels: readonly number[];
  readonly samples: readonly number[];
}

/** Rows whose largest logit is the label's; the first of equal ones counts. */
function countCorrect(logits: ArrayLike<number>, labels: readonly number[], classes: number): number {
  return labels.filter((label, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[row * classes + c]! > logits[row * classes + best]!) best = c;
    return best === label;
  }).length;
}

/** Group 0 is the backbone where it is trained, the last group the head. */
function createOptimizer(
  { optimizer, weightDecay }: FitOptions,
  stage: Stage,
  { backbone, head }: TrainableParts,
): optim.Optimizer {
  const groups = [
    { parameters: backbone, lr: stage.backboneLr },
    { parameters: head, lr: stage.lr },
  ];
  if (optimizer === "sgd") return new optim.SGD(groups, { lr: stage.lr, momentum: 0.9, weightDecay });
  return optimizer === "adam" ? new optim.Adam(groups, { weightDecay }) : new optim.AdamW(groups, { weightDecay });
}

export type { Part };
