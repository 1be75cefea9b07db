import { PARTS, type Part, type ResNet } from "@fracture/resnet";
import {
  capture,
  input,
  noGrad,
  softmaxCrossEntropy,
  type Device,
  type optim,
  type Program,
  type SlotPool,
  type Tensor,
} from "@fracture/tensor";
import type { Feed, FeedBatch } from "./feeds.ts";
import { inPrecision, type Precision } from "./precision.ts";
import { STEPS_IN_FLIGHT } from "./readRing.ts";

/** A captured step for one batch size, with the inputs that are written before every replay. */
export interface BatchProgram<Result> {
  readonly batch: FeedBatch;
  readonly labels: Tensor;
  readonly program: Program<Result>;
}

export interface TrainResult {
  readonly loss: Tensor;
  readonly logits: Tensor;
}

export interface ProgramOptions {
  readonly device: Device;
  readonly model: ResNet;
  readonly slots: SlotPool;
  readonly precision: Precision;
}

/** The first part that is left to do with what a feed delivers, up to and including `last`. */
function forward(model: ResNet, feed: Feed, x: Tensor, last: Part): Tensor {
  const first = feed.delivers ? PARTS[PARTS.indexOf(feed.delivers) + 1]! : "stem";
  return PARTS.indexOf(first) > PARTS.indexOf(last) ? x : model.run(x, first, last);
}

/**
 * One training step on a batch of `size`: forward, loss, backward, update. Parts up to `frozen` run without recording
 * gradients. A program a batch size: the last, smaller batch compiles no kernel, it only has buffers of its own.
 */
export async function trainProgram(
  { device, model, slots, precision }: ProgramOptions,
  feed: Feed,
  size: number,
  options: {
    readonly frozen: Part | null;
    readonly first: Part;
    readonly classWeights: Tensor | null;
    readonly optimizer: optim.Optimizer;
    /** In mixed precision. */
    readonly scaler: optim.GradScaler | null;
  },
): Promise<BatchProgram<TrainResult>> {
  const { frozen, first, classWeights, optimizer, scaler } = options;
  const batch = feed.batch(size);
  const labels = input([size], { device, dtype: "u32" });
  const program = await capture(
    device,
    () => {
      const logits = inPrecision(precision, () => {
        const x = batch.tensor();
        const features = frozen ? noGrad(() => forward(model, feed, x, frozen)) : x;
        return model.run(features, first, "fc");
      });
      const loss = softmaxCrossEntropy(logits, labels, classWeights ? { weights: classWeights } : {});
      optimizer.zeroGrad();
      if (scaler) {
        scaler.scale(loss).backward();
        scaler.step(optimizer);
        scaler.update();
      } else {
        loss.backward();
        optimizer.step();
      }
      return { loss, logits };
    },
    { slots },
  );
  return { batch, labels, program };
}

/** Everything from what the feed delivers up to a part's output, without gradients; the model's modules decide on train or eval mode. */
export async function forwardProgram(
  { device, model, slots, precision }: ProgramOptions,
  feed: Feed,
  size: number,
  last: Part,
): Promise<{ batch: FeedBatch; program: Program<Tensor> }> {
  const batch = feed.batch(size);
  const program = await capture(
    device,
    () => noGrad(() => inPrecision(precision, () => forward(model, feed, batch.tensor(), last))),
    { slots },
  );
  return { batch, program };
}

/** The sizes of the batches that so many samples make, the largest first: a full one, and what is left for the last one. */
export function batchSizesOf(samples: number, batchSize: number): number[] {
  const full = Math.min(samples, batchSize);
  return samples % full === 0 ? [full] : [full, samples % full];
}

/** Makes the staging buffers that readings of these results need while steps are in flight, so that no step has to. */
export async function reserveReadings(results: readonly Tensor[]): Promise<void> {
  await Promise.all(results.flatMap((result) => Array.from({ length: STEPS_IN_FLIGHT }, () => result.data())));
}
