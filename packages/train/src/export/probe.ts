import { input, nn } from "@fracture/tensor";
import type { RunContext } from "../api/types.ts";
import { logitsOf } from "../evaluate/logits.ts";
import { onDevice, type ModelFile } from "../model/modelFile.ts";

/** Pictures that a check compares logits of. */
export const PROBES = 2;

/** Noise as pictures are once they are normalised, [2, size, size, 3]. */
export const probePictures = (size: number): Float32Array<ArrayBuffer> =>
  new nn.Generator(0).normal([PROBES, size, size, 3]);

/** The logits [2, classes] that a model file gives for the probes, on the device. */
export async function probeLogits(
  file: ModelFile,
  size: number,
  { openDevice, signal }: Pick<RunContext, "openDevice" | "signal">,
): Promise<Float32Array<ArrayBuffer>> {
  const device = await openDevice();
  const { model } = onDevice(file, device);
  try {
    const x = input([PROBES, size, size, 3], { device });
    x.write(probePictures(size));
    const feed = { delivers: null, batch: () => ({ tensor: () => x, load: () => {}, dispose: () => x.dispose() }) };
    const logits = { device, model, feed, samples: PROBES, batchSize: PROBES };
    return await logitsOf({ ...logits, ...(signal ? { signal } : {}) });
  } finally {
    model.dispose();
  }
}

/** The largest difference; Infinity where the lengths differ, NaN where a difference is. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity;
  return largest(Array.from(expected, (value, i) => found[i]! - value));
}

/** By magnitude. */
export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
