import type { ResNet } from "@fracture/resnet";
import { SlotPool, type Device } from "@fracture/tensor";
import type { FeedBatch } from "../loop/feeds.ts";
import { ForwardPass } from "../loop/forward.ts";
import type { SampleSet } from "../loop/options.ts";
import { evenlySpread, LEAST_VALIDATION, MOST_VALIDATION, REFERENCES, TrainingData } from "./trainingData.ts";

export interface MeasureOptions {
  readonly device: Device;
  /** Put into inference mode. */
  readonly model: ResNet;
  readonly batchSize: number;
  readonly signal: AbortSignal;
  readonly onBatch: (done: number, total: number) => void;
}

/** See `TrainingData`; null where there are too few validation pictures to tell what is far. In f32, without augmentation. */
export async function measureTrainingData(
  train: SampleSet,
  validation: SampleSet | null,
  options: MeasureOptions,
): Promise<TrainingData | null> {
  if (!validation || validation.labels.length < LEAST_VALIDATION) return null;
  const [references, others] = [
    evenlySpread(train.labels.length, REFERENCES),
    evenlySpread(validation.labels.length, MOST_VALIDATION),
  ];
  const total = references.length + others.length;
  const rows = async (set: SampleSet, samples: readonly number[], before: number): Promise<Float32Array> =>
    featuresOf(set, samples, { ...options, onBatch: (done) => options.onBatch(before + done, total) });
  const near = await rows(train, references, 0);
  const far = await rows(validation, others, references.length);
  return TrainingData.measure(near, far, near.length / references.length);
}

/** [samples, features]: the output of the last part before the classes. */
async function featuresOf(set: SampleSet, samples: readonly number[], options: MeasureOptions): Promise<Float32Array> {
  const { device, model } = options;
  model.eval();
  const slots = new SlotPool(device);
  const feed = set.feed({ augment: false });
  const some = {
    delivers: feed.delivers,
    batch: (size: number): FeedBatch => {
      const batch = feed.batch(size);
      return {
        tensor: () => batch.tensor(),
        load: (indices, epoch) =>
          batch.load(
            indices.map((i) => samples[i]!),
            epoch,
          ),
        dispose: () => batch.dispose(),
      };
    },
  };
  const pass = new ForwardPass({ ...options, slots, precision: "f32" }, some, "avgpool");
  try {
    return await pass.collect(samples.length);
  } finally {
    pass.dispose();
    slots.dispose();
  }
}
