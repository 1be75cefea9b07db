import type { Architecture } from "@fracture/resnet";
import { capture, type Device } from "@fracture/tensor";
import { ReadRing, trainRun } from "@fracture/train";
import { plural } from "../output/format.ts";
import type { Progress } from "../output/progress.ts";
import { medianOf, type MeasureOptions, type Timing } from "./measure.ts";
import { createModel, inputs } from "./network.ts";
import type { BenchPictures } from "./pictureFolder.ts";
import { picturesRow, type BenchRow } from "./report.ts";
import { startTraining, trainingStep } from "./training.ts";

export interface LoopOptions {
  readonly arch: Architecture;
  readonly size: number;
  readonly batchSize: number;
  /** Steps of an epoch: so many batches of pictures are measured with. */
  readonly steps: number;
}

/**
 * Training as `fracture train` does it, log and checkpoints included, and the bare captured step queued in the same way, for as
 * many steps at a time. The bare one is measured before and after, since machines change their pace.
 */
export async function trainingLoop(
  device: Device,
  pictures: BenchPictures,
  options: LoopOptions & { readonly out: string },
  measuring: MeasureOptions,
  progress: Progress,
): Promise<BenchRow[]> {
  const { arch, size, batchSize, steps } = options;
  const before = await bareSteps(device, pictures, options, measuring, progress);
  const loop = await epochs(device, pictures, options, measuring, progress);
  const after = await bareSteps(device, pictures, options, measuring, progress);
  const what = `${arch}, ${size} x ${size}, batch ${batchSize}, f32`;
  const bare = timingOf([...before, ...after]);
  const whole = timingOf(loop);
  return [
    picturesRow(`bare training step, ${what}, ${steps} in a row`, batchSize * steps, bare),
    {
      ...picturesRow(`training loop, ${what}, ${plural(steps, "step")} an epoch`, batchSize * steps, whole),
      lost: 1 - bare.medianMs / whole.medianMs,
    },
  ];
}

const timingOf = (times: readonly number[]): Timing => ({
  medianMs: medianOf(times),
  minMs: Math.min(...times),
  repeats: times.length,
});

/** Milliseconds of rounds of bare steps on one batch. */
async function bareSteps(
  device: Device,
  { classes }: BenchPictures,
  { arch, size, batchSize, steps }: LoopOptions,
  { repeats, signal }: MeasureOptions,
  progress: Progress,
): Promise<number[]> {
  const network = { arch, size, batchSize, classes, explain: false };
  const { x, labels } = inputs(device, network);
  const model = createModel(device, network);
  const training = startTraining(model, "f32");
  try {
    using program = await capture(device, () => trainingStep(training, x, labels));
    const times: number[] = [];
    // The first round, of one step, only warms up.
    for (let round = -1; round < repeats; round++) {
      progress.update(`bare steps, round ${round + 1} of ${repeats}`);
      const started = performance.now();
      const ring = new ReadRing<number>(() => {});
      for (let step = 0; step < (round < 0 ? 1 : steps); step++) {
        await ring.room();
        signal.throwIfAborted();
        program.replay();
        ring.push(program.result.item());
      }
      await ring.drain();
      if (round >= 0) times.push(performance.now() - started);
    }
    program.result.dispose();
    return times;
  } finally {
    training.adam.dispose();
    model.dispose();
    x.dispose();
    labels.dispose();
    await device.sync();
    device.trim();
  }
}

/** Milliseconds of the epochs of a run, after a first one that warms up. */
async function epochs(
  device: Device,
  { folder }: BenchPictures,
  { arch, size, batchSize, out }: LoopOptions & { readonly out: string },
  { repeats, signal }: MeasureOptions,
  progress: Progress,
): Promise<number[]> {
  const times: number[] = [];
  let started: number | null = null;
  await trainRun(
    {
      out,
      data: folder,
      cacheFolder: null,
      recipe: { architecture: arch, size, batchSize, epochs: repeats + 1, freeze: "none", lr: 1e-4 },
    },
    {
      signal,
      openDevice: () => Promise.resolve(device),
      onEvent: (event) => {
        if (event.kind === "step")
          progress.update(`training, epoch ${event.epoch}, step ${event.step} of ${event.steps}`);
        if (event.kind !== "epoch") return;
        const now = performance.now();
        if (started !== null) times.push(now - started);
        started = now;
      },
    },
  );
  return times;
}
