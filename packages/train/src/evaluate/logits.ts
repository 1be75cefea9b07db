import type { ResNet } from "@fracture/resnet";
import { SlotPool, type Device } from "@fracture/tensor";
import type { Feed } from "../loop/feeds.ts";
import { ForwardPass } from "../loop/forward.ts";
import type { Precision } from "../loop/precision.ts";

export interface LogitsOptions {
  readonly device: Device;
  /** Put into inference mode. */
  readonly model: ResNet;
  readonly feed: Feed;
  readonly samples: number;
  /** Default: "f32". */
  readonly precision?: Precision;
  readonly batchSize: number;
  readonly signal?: AbortSignal;
  readonly onBatch?: (done: number, total: number) => void;
}

/** The logits [n, classes] of samples, in order. Rejects with the signal's reason where it aborts. */
export async function logitsOf(options: LogitsOptions): Promise<Float32Array<ArrayBuffer>> {
  const { device, model, feed, samples, precision = "f32", batchSize, signal, onBatch } = options;
  model.eval();
  if (precision === "mixed") model.makeHalfCopies();
  const slots = new SlotPool(device);
  const optional = { ...(signal ? { signal } : {}), ...(onBatch ? { onBatch } : {}) };
  const pass = new ForwardPass({ device, model, slots, precision, batchSize, ...optional }, feed, "fc");
  try {
    return await pass.collect(samples);
  } finally {
    pass.dispose();
    slots.dispose();
  }
}
