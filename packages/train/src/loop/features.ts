import { createHash } from "node:crypto";
import type { Part, ResNet } from "@fracture/resnet";
import { SlotPool } from "@fracture/tensor";
import { FeatureCache } from "./featureCache.ts";
import type { FeatureFiles } from "./featureFiles.ts";
import { ForwardPass, type ForwardOptions } from "./forward.ts";
import type { SampleSet } from "./options.ts";
import { FRACTURE_VERSION } from "../version.ts";
import { ReadRing } from "./readRing.ts";

/**
 * Pictures that features are computed of at once. Not the batch size of training: so that features are the same, to the last bit, whatever
 * that is, and one that was chosen for a training step's memory is never exceeded.
 */
const FEATURE_BATCH = 16;

export interface FeatureOptions extends Omit<ForwardOptions, "onBatch"> {
  /** Where features are kept from run to run. Null: nowhere. */
  readonly files: FeatureFiles | null;
  /** `tensorsDigest` of what the features depend on. */
  readonly frozen: string;
  /** Bytes of device memory that they may take. */
  readonly mostBytes: number;
  readonly onBatch: (done: number, total: number) => void;
}

/**
 * The output of a frozen part for every sample of a set, as they are without augmentation: from the disk where a run before has kept them, else
 * computed, and kept for the next one. Null where they need more than `mostBytes`.
 *
 * What is kept goes by everything that decides its bits: the pictures of a batch, the frozen tensors, the kernels and their shapes, the device
 * and its driver, and this program's version, which decides what compiles the kernels and in which order they are bound. The caller disposes
 * of the cache.
 */
export async function computeFeatures(
  set: SampleSet,
  part: Part,
  { files, frozen, mostBytes, ...options }: FeatureOptions,
): Promise<FeatureCache | null> {
  const { device } = options;
  const samples = set.labels.length;
  const batchSize = Math.min(options.batchSize, FEATURE_BATCH);
  const pass = new ForwardPass({ ...options, batchSize }, set.feed({ augment: false }), part);
  let cache: FeatureCache | null = null;
  try {
    const features = await pass.output(samples);
    if (FeatureCache.bytesOf(samples, features) > mostBytes) return null;
    const held = (cache = new FeatureCache(device, samples, features));
    const { digest } = set;
    const key =
      files && digest
        ? (indices: readonly number[]) =>
            keyOf(pass, indices, [FRACTURE_VERSION, JSON.stringify(device.info), frozen, digest(indices)])
        : null;
    const ring = new ReadRing<void>(() => {});
    const known = async (indices: readonly number[]): Promise<boolean> => {
      const bytes = FeatureCache.bytesOf(indices.length, features);
      const kept = key && (await files!.read(await key(indices), bytes));
      if (!kept) return false;
      held.write(kept, indices);
      await device.sync(); // else everything that is written lies in the driver's memory too
      return true;
    };
    await pass.run(
      samples,
      async (output, indices) => {
        held.store(output, indices);
        ring.push(key ? keep(device.readBytes(output.storage), files!, await key(indices)) : device.sync());
        await ring.room();
      },
      known,
    );
    await ring.drain();
    return held;
  } catch (error) {
    cache?.dispose();
    throw error;
  } finally {
    pass.dispose();
  }
}

/** What no training has changed, up to and including a part. */
export interface UnchangedPart extends Pick<FeatureOptions, "files" | "frozen" | "mostBytes"> {
  readonly part: Part;
}

/** `computeFeatures` apart from training, of a model in inference mode. */
export async function unchangedFeatures(
  set: SampleSet,
  { part, ...unchanged }: UnchangedPart,
  options: Omit<FeatureOptions, keyof UnchangedPart | "slots">,
): Promise<FeatureCache | null> {
  const slots = new SlotPool(options.device);
  try {
    return await computeFeatures(set, part, { ...options, ...unchanged, slots });
  } finally {
    slots.dispose();
  }
}

async function keep(read: Promise<ArrayBuffer>, files: FeatureFiles, key: string): Promise<void> {
  await files.write(key, new Uint8Array(await read));
}

/** A hash of a model's tensors, those whose names pass: of a frozen part, to be computed once for all sets. */
export async function tensorsDigest(model: ResNet, filter: (name: string) => boolean): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, { data }] of await model.stateDict(filter))
    hash.update(`\0${name}\0`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
}

/** What the features of a batch are kept under. */
async function keyOf(pass: ForwardPass, indices: readonly number[], facts: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(facts));
  for (const { passes } of await pass.kernels(indices.length)) {
    for (const { wgsl, workgroups, params } of passes)
      hash.update(`\0${workgroups.join()}\0${wgsl}\0`).update(new Uint8Array(params ?? new ArrayBuffer(0)));
  }
  return hash.digest("hex");
}
