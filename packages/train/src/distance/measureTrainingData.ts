import type { ResNet } from "@fracture/resnet";
import { SlotPool, type Device } from "@fracture/tensor";
import { unchangedFeatures, type UnchangedPart } from "../loop/features.ts";
import { FeatureFeed, type FeedBatch } from "../loop/feeds.ts";
import { ForwardPass } from "../loop/forward.ts";
import type { SampleSet } from "../loop/options.ts";
import { evenlySpread, LEAST_VALIDATION, MOST_VALIDATION, REFERENCES, TrainingData } from "./trainingData.ts";

export interface MeasureOptions {
  readonly device: Device;
  /** Put into inference mode. */
  readonly model: ResNet;
  readonly batchSize: number;
  /** What no training has changed: its features are kept for other runs. Default: nothing. */
  readonly unchanged?: UnchangedPart | null;
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
  const { device, model, unchanged = null } = options;
  model.eval();
  const some = partOf(set, samples);
  const cache = unchanged && (await unchangedFeatures(some, unchanged, { ...options, precision: "f32" }));
  const slots = new SlotPool(device);
  const feed = cache ? new FeatureFeed(device, unchanged!.part, cache) : some.feed({ augment: false });
  const pass = new ForwardPass({ ...options, slots, precision: "f32" }, feed, "avgpool");
  try {
    return cache && unchanged!.part === "avgpool" ? await cache.data() : await pass.collect(samples.length);
  } finally {
    pass.dispose();
    slots.dispose();
    cache?.dispose();
  }
}

/** Some samples of a set, as a set. */
function partOf(set: SampleSet, samples: readonly number[]): SampleSet {
  const { labels, paths, digest } = set;
  const chosen = (indices: readonly number[]): number[] => indices.map((i) => samples[i]!);
  return {
    labels: samples.map((i) => labels[i]!),
    paths: samples.map((i) => paths[i]!),
    ...(digest ? { digest: (indices: readonly number[]) => digest(chosen(indices)) } : {}),
    feed: (options) => {
      const feed = set.feed(options);
      return {
        delivers: feed.delivers,
        batch: (size): FeedBatch => {
          const batch = feed.batch(size);
          return {
            tensor: () => batch.tensor(),
            load: (indices, epoch) => batch.load(chosen(indices), epoch),
            dispose: () => batch.dispose(),
          };
        },
      };
    },
  };
}
