import { ReadRing } from "@fracture/train";
import { Timestamps, type Device, type Program, type Tensor } from "@fracture/tensor";
import { medianOf, type MeasureOptions } from "./measure.ts";

/** Times of a program by the device's clock, in milliseconds: medians over the repeats. */
export interface DispatchTimes {
  /** Every dispatch, in the order of the program's kernels and their passes. */
  readonly dispatches: readonly number[];
  /** All that lies between two dispatches. */
  readonly between_ms: number;
  /** A replay that is not taken apart. */
  readonly replay_ms: number;
}

/** Replays a program dispatch by dispatch, and as a whole. Throws a TensorError on a device that can't time its work. */
export async function timeDispatches(
  device: Device,
  program: Program<unknown>,
  { warmUp, repeats, signal }: MeasureOptions,
): Promise<DispatchTimes> {
  using stamps = new Timestamps(device, 2 * program.dispatches);
  using whole = new Timestamps(device, 2);
  const samples: Float64Array[] = [];
  const replays: number[] = [];
  for (let run = -warmUp; run < repeats; run++) {
    signal.throwIfAborted();
    program.replayEach(stamps);
    const each = await stamps.read();
    program.replay({ timestamps: whole, at: 0 });
    const [begin, end] = await whole.read();
    if (run < 0) continue;
    samples.push(each);
    replays.push(end! - begin!);
  }
  const medianAt = (difference: (times: Float64Array) => number): number => medianOf(samples.map(difference));
  const dispatches = Array.from({ length: program.dispatches }, (_, i) =>
    medianAt((times) => times[2 * i + 1]! - times[2 * i]!),
  );
  const between_ms = medianAt((times) => {
    let gaps = 0;
    for (let i = 2; i < times.length; i += 2) gaps += times[i]! - times[i - 1]!;
    return gaps;
  });
  return { dispatches, between_ms, replay_ms: medianOf(replays) };
}

/**
 * The part of the device's time that lies between two replays of a program when steps are queued as training queues them:
 * two in flight, every loss read behind its step. Null on a device that can't time its work.
 */
export async function idleShare(
  device: Device,
  program: Program<unknown>,
  loss: Tensor,
  { steps, signal }: { readonly steps: number; readonly signal: AbortSignal },
): Promise<number | null> {
  if (!Timestamps.supportedBy(device)) return null;
  using timestamps = new Timestamps(device, 2 * steps);
  const ring = new ReadRing<number>(() => {});
  for (let step = 0; step < steps; step++) {
    await ring.room();
    signal.throwIfAborted();
    program.replay({ timestamps, at: 2 * step });
    ring.push(loss.item());
  }
  await ring.drain();
  const times = await timestamps.read();
  let idle = 0;
  for (let i = 2; i < times.length; i += 2) idle += times[i]! - times[i - 1]!;
  return idle / times.at(-1)!;
}
