import { SlotPool, tensor, type optim, type Tensor } from "@fracture/tensor";
import type { HistoryRow } from "../run/history.ts";
import { warmupFactor } from "../optim/warmup.ts";
import { updateEarlyStopping } from "./earlyStopping.ts";
import { NonFiniteLossError } from "./errors.ts";
import type { FeatureCache } from "./featureCache.ts";
import { computeFeatures, tensorsDigest } from "./features.ts";
import { FeatureFeed, type Feed } from "./feeds.ts";
import { ForwardPass, type ForwardOptions } from "./forward.ts";
import { accountScale, type StepScaling } from "./lossScale.ts";
import { createOptimizer } from "./optimizers.ts";
import type { FitOptions, SampleSet } from "./options.ts";
import { batchSizesOf, reserveReadings, trainProgram, type BatchProgram, type TrainResult } from "./programs.ts";
import { ReadRing } from "./readRing.ts";
import { applyStage, type Stage, type TrainableParts } from "./stages.ts";
import { countCorrect, crossEntropy } from "./scores.ts";
import { emptySums } from "./state.ts";

/** One stage on the device: its optimiser, its captured programs, its cached features. */
export class StageRun {
  readonly optimizer: optim.Optimizer;
  readonly #options: FitOptions;
  readonly #stage: Stage;
  readonly #parts: TrainableParts;
  readonly #scaler: optim.GradScaler | null;
  readonly #slots: SlotPool;
  readonly #classWeights: Tensor | null;
  readonly #programs = new Map<number, BatchProgram<TrainResult>>();
  readonly #caches: FeatureCache[] = [];
  #validation: ForwardPass | null = null;
  /** Of what is frozen: read once for all sets. */
  #frozen: Promise<string> | null = null;

  /** @param scaler in mixed precision */
  constructor(options: FitOptions, stage: Stage, scaler: optim.GradScaler | null) {
    const { device, model, classWeights, optimizer, weightDecay, precision } = options;
    this.#options = options;
    this.#stage = stage;
    this.#parts = applyStage(model, stage);
    this.#slots = new SlotPool(device);
    this.#scaler = scaler;
    this.optimizer = createOptimizer(optimizer, weightDecay, stage, this.#parts, precision);
    if (precision === "mixed") model.makeHalfCopies(); // of what is frozen: the optimiser has made its own
    this.#classWeights = classWeights && tensor(classWeights, { device });
  }

  /** Restores the optimiser, computes the features that can't change, and captures every program that the stage will need. */
  async prepare(): Promise<void> {
    const { train, val, augment, batchSize, checkpoints, model, order, state } = this.#options;
    checkpoints.restoreOptimizer(this.optimizer);
    if (val) await checkpoints.beginStage(this.#parts.changes);
    const feed = await this.#cached(train, augment);
    const valFeed = val && (await this.#cached(val, false));
    for (const size of batchSizesOf(order(state.epochs).length, batchSize)) await this.#capture(feed, size);
    if (val && valFeed) {
      model.eval();
      this.#validation = new ForwardPass(this.#forwardOptions(), valFeed, "fc");
      await this.#validation.prepare(val.labels.length);
      applyStage(model, this.#stage);
    }
  }

  /** Goes on from where the state says to the end of the stage, or until it stops improving. */
  async train(): Promise<void> {
    const { state, stopping, val, checkpoints, onEvent, log } = this.#options;
    while (state.stageEpochs < this.#stage.epochs) {
      const started = performance.now();
      const { samples, rates } = await this.#epoch();
      const { loss, weight, correct, seen, skipped } = state.partial;
      const validated = val && (await this.#validate(val));
      const seconds = (performance.now() - started) / 1000;
      const row: HistoryRow = {
        epoch: state.epochs + 1,
        stage: this.#stage.name,
        trainLoss: loss / weight,
        trainAccuracy: correct / seen,
        valLoss: validated?.loss ?? null,
        valAccuracy: validated?.accuracy ?? null,
        lrBackbone: rates.at(-2) ?? null,
        lrHead: rates.at(-1)!,
        seconds,
        imagesPerSecond: samples / seconds,
        ...(state.lossScale ? { lossScale: state.lossScale.scale, skippedSteps: skipped } : {}),
      };
      const watched = validated && (stopping.monitor === "valAccuracy" ? validated.accuracy : validated.loss);
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
      if (state.stageEpochs < this.#stage.epochs && checkpoints.due()) await checkpoints.save(this.optimizer);
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
    this.optimizer.dispose();
  }

  /** The rates of a step, by parameter group: the head's is the last. */
  #rates(step: number, steps: number): number[] {
    const { schedule, state } = this.#options;
    const { lr, warmup = 0 } = this.#stage;
    const factor = warmupFactor(state.stageEpochs * steps + step, Math.round(warmup * steps));
    return [...this.#parts.backbone.map((group) => group.lr), lr].map(
      (base) => factor * schedule(base, state.stageEpochs),
    );
  }

  /** Steps through an epoch from where the state says; returns how many samples were seen, and the rates of the last step. */
  async #epoch(): Promise<{ samples: number; rates: readonly number[] }> {
    const { order, state, train, batchSize, signal, log, checkpoints } = this.#options;
    const samples = order(state.epochs);
    const steps = Math.ceil(samples.length / batchSize);
    const firstStep = state.epochSteps;
    const started = performance.now();
    const ring = new ReadRing<StepReading>((reading) => {
      const scaling = this.#account(reading);
      const { loss, lr } = reading;
      log.appendStep({ epoch: state.epochs + 1, step: state.steps, loss, lr, ...scaling });
      this.#report(reading.loss, steps, (performance.now() - started) / (state.epochSteps - firstStep));
    });
    for (let step = firstStep; step < steps; step++) {
      await ring.room();
      if (signal.aborted || (step > firstStep && checkpoints.due())) {
        await ring.drain();
        signal.throwIfAborted();
        await checkpoints.save(this.optimizer);
      }
      const batch = samples.slice(step * batchSize, (step + 1) * batchSize);
      const labels = batch.map((sample) => train.labels[sample]!);
      const { batch: inputs, labels: target, program } = this.#programs.get(batch.length)!;
      target.write(labels);
      inputs.load(batch, state.epochs);
      const rates = this.#rates(step, steps);
      const lr = rates.at(-1)!;
      this.optimizer.learningRates = rates;
      program.replay();
      const { loss: lossOf, logits: logitsOf } = program.result;
      const reading = Promise.all([lossOf.data(), logitsOf.data(), this.#scaler?.state.data()]);
      ring.push(
        reading.then(([loss, logits, scale]) => ({ loss: loss[0]!, lr, logits, scale, labels, samples: batch })),
      );
    }
    await ring.drain();
    return {
      samples: samples.length - Math.min(samples.length, firstStep * batchSize),
      rates: this.#rates(steps - 1, steps),
    };
  }

  /** Adds a step to the sums of the epoch; says with which loss scale it was made. */
  #account({ loss, logits, scale, labels, samples }: StepReading): StepScaling {
    const { state, classWeights, model, train } = this.#options;
    if (!Number.isFinite(loss)) {
      const files = samples.map((sample) => train.paths[sample]!);
      throw new NonFiniteLossError(loss, state.epochs + 1, state.epochSteps + 1, files);
    }
    const weight = labels.reduce((total, label) => total + (classWeights?.[label] ?? 1), 0);
    state.partial.loss += loss * weight;
    state.partial.weight += weight;
    state.partial.correct += countCorrect(logits, labels, model.classes);
    state.partial.seen += labels.length;
    state.epochSteps += 1;
    state.steps += 1;
    if (!scale) return {};
    return accountScale(state, scale, () => samples.map((sample) => train.paths[sample]!));
  }

  #report(loss: number, steps: number, msPerStep: number): void {
    const { state, batchSize, onEvent } = this.#options;
    const left = (this.#stage.epochs - state.stageEpochs) * steps - state.epochSteps;
    onEvent({
      kind: "step",
      epoch: state.epochs + 1,
      step: state.epochSteps,
      steps,
      loss,
      imagesPerSecond: (batchSize * 1000) / msPerStep,
      secondsLeft: (left * msPerStep) / 1000,
    });
  }

  /** Loss and accuracy on the validation samples, every sample with the same weight. */
  async #validate({ labels, paths }: SampleSet): Promise<{ loss: number; accuracy: number }> {
    const { model, state } = this.#options;
    const { classes } = model;
    const logits = await this.#validation!.collect(labels.length);
    const loss = crossEntropy(logits, labels, classes);
    if (!Number.isFinite(loss)) {
      const files = paths.filter(
        (_, row) => !logits.subarray(row * classes, (row + 1) * classes).every(Number.isFinite),
      );
      throw new NonFiniteLossError(loss, state.epochs + 1, null, files);
    }
    return {
      loss,
      accuracy: countCorrect(logits, labels, classes) / labels.length,
    };
  }

  /** A feed of the features of the frozen parts, where they can't change and fit; else of pictures. */
  async #cached(set: SampleSet, augment: boolean): Promise<Feed> {
    const { device, model, featureBytes, featureFiles, onEvent } = this.#options;
    const pictures = set.feed({ augment });
    const { frozen } = this.#parts;
    if (!frozen || augment) return pictures;
    const held = this.#caches.reduce((sum, cache) => sum + cache.bytes, 0);
    const cache = await computeFeatures(set, frozen, {
      ...this.#forwardOptions(),
      files: featureFiles,
      frozen: featureFiles ? await (this.#frozen ??= tensorsDigest(model, (name) => !this.#parts.changes(name))) : "",
      mostBytes: featureBytes - held,
      onBatch: (done, total) => onEvent({ kind: "features", done, total }),
    });
    if (!cache) return pictures;
    this.#caches.push(cache);
    return new FeatureFeed(device, frozen, cache);
  }

  async #capture(feed: Feed, size: number): Promise<void> {
    const { device, model, precision } = this.#options;
    const { frozen, first } = this.#parts;
    const step = { frozen, first, classWeights: this.#classWeights, optimizer: this.optimizer, scaler: this.#scaler };
    const captured = await trainProgram({ device, model, slots: this.#slots, precision }, feed, size, step);
    this.#programs.set(size, captured);
    const { loss, logits } = captured.program.result;
    await reserveReadings([loss, logits, ...(this.#scaler ? [this.#scaler.state] : [])]);
  }

  #forwardOptions(): ForwardOptions {
    const { device, model, batchSize, precision, signal } = this.#options;
    return { device, model, slots: this.#slots, batchSize, precision, signal };
  }
}

interface StepReading {
  readonly loss: number;
  /** The head's rate. */
  readonly lr: number;
  readonly logits: ArrayLike<number>;
  /** A GradScaler's state, after the step. */
  readonly scale: ArrayLike<number> | undefined;
  readonly labels: readonly number[];
  readonly samples: readonly number[];
}
