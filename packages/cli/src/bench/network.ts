import { ResNet, type Architecture } from "@fracture/resnet";
import { autocast, capture, input, nn, noGrad, tidy, type Device, type Program, type Tensor } from "@fracture/tensor";
import { checkPrecision, type Precision } from "@fracture/train";
import { CheckError } from "../exitCodes.ts";
import { plural } from "../output/format.ts";
import type { Progress } from "../output/progress.ts";
import { noise } from "./check.ts";
import { idleShare } from "./dispatchTimes.ts";
import { explain, type Explanation } from "./explain.ts";
import { measure, type MeasureOptions } from "./measure.ts";
import { timed, type BenchRow } from "./report.ts";
import { startTraining, trainingStep } from "./training.ts";

export interface NetworkOptions {
  readonly arch: Architecture;
  readonly size: number;
  readonly batchSize: number;
  readonly classes: number;
  /** Default: "f32". */
  readonly precision?: Precision;
  /** Time every dispatch too. */
  readonly explain: boolean;
}

const SEED = 0;
const CHECKED_STEPS = 2;
/** Steps queued in a row, to see how long the device waits between them. */
const QUEUED_STEPS = 8;
// A captured program runs the kernels of the eager run, in its order: what differs is where intermediates lie. Passes that
// fuse kernels may round otherwise: in mixed precision to f16, some sixty times on the way through a network.
const LARGEST_DIFFERENCE = { f32: 1e-4, mixed: Math.sqrt(60) * 2 ** -10 } as const;

// Adam's first step moves each weight by the whole rate, whichever sign rounding gave a gradient that is next to nothing, and batch
// norm over few pixels makes much of it: at the usual rate the second loss of tiny networks would tell noise.
const CHECKED_RATE = 1e-6;

/**
 * A training step as training runs it: forward in training mode, cross-entropy, backward and Adam, as one captured program.
 * Its first losses are compared with those of the same steps run eagerly.
 */
export async function stepRow(
  device: Device,
  options: NetworkOptions,
  measuring: MeasureOptions,
  progress: Progress,
): Promise<BenchRow> {
  const { arch, size, batchSize, precision = "f32" } = options;
  checkPrecision(precision, device);
  const { x, labels } = inputs(device, options);

  progress.update("running the step eagerly, as the reference");
  const reference = createModel(device, options);
  const model = copyOf(reference);
  const expected = await eagerLosses(reference, x, labels, precision, measuring.signal);

  const training = startTraining(model, precision);
  progress.update("compiling");
  const started = performance.now();
  using program = await capture(device, () => trainingStep(training, x, labels));
  await device.sync();
  const compileMs = performance.now() - started;

  const { adam } = training;
  const rates = adam.learningRates;
  adam.learningRates = rates.map(() => CHECKED_RATE);
  const losses: number[] = [];
  for (let step = 0; step < CHECKED_STEPS; step++) {
    measuring.signal.throwIfAborted();
    program.replay();
    losses.push(await program.result.item());
  }
  adam.learningRates = rates;
  const difference = checkClose(`the losses of the first ${CHECKED_STEPS} steps`, losses, expected, precision);

  progress.update(`measuring ${plural(measuring.repeats, "step")}`);
  const before = device.counts;
  const timing = await measure(async () => {
    program.replay();
    await device.sync();
  }, measuring);
  const after = device.counts;
  progress.update(`queueing ${plural(QUEUED_STEPS, "step")} in a row`);
  const idle = await idleShare(device, program, program.result, { steps: QUEUED_STEPS, signal: measuring.signal });
  const loss = await program.result.item();
  if (!Number.isFinite(loss)) throw new CheckError(`the loss became ${loss}`);
  return {
    name: `${arch} training step, ${size} x ${size}, batch ${batchSize}, ${precision}`,
    ...figuresOf(device, program, timing, batchSize),
    idle_between_steps: idle,
    created_while_measured: {
      buffers: after.created - before.created,
      bind_groups: after.bindGroups - before.bindGroups,
      pipelines: after.pipelines - before.pipelines,
    },
    compile_ms: compileMs,
    first_losses: losses,
    eager_losses: expected,
    largest_error: difference,
    last_loss: loss,
    ...(await explanation(device, program, options, measuring, progress)),
  };
}

/** A forward pass in inference mode, without gradients, as one captured program. Its logits are compared with the eager run's. */
export async function inferRow(
  device: Device,
  options: NetworkOptions,
  measuring: MeasureOptions,
  progress: Progress,
): Promise<BenchRow> {
  const { arch, size, batchSize, precision = "f32" } = options;
  checkPrecision(precision, device);
  const { x } = inputs(device, options);
  const model = createModel(device, options).eval();
  if (precision === "mixed") model.makeHalfCopies();
  const logitsOf = (): Tensor => noGrad(() => autocast(() => model.forward(x), { enabled: precision === "mixed" }));

  progress.update("running the network eagerly, as the reference");
  const eager = tidy(logitsOf);
  const expected = await eager.data();
  eager.dispose();
  measuring.signal.throwIfAborted();

  progress.update("compiling");
  const started = performance.now();
  using program = await capture(device, logitsOf);
  await device.sync();
  const compileMs = performance.now() - started;
  program.replay();
  const difference = checkClose("the logits", await program.result.data(), expected, precision);

  progress.update(`measuring ${plural(measuring.repeats, "pass", "passes")}`);
  const timing = await measure(async () => {
    program.replay();
    await device.sync();
  }, measuring);
  return {
    name: `${arch} inference, ${size} x ${size}, batch ${batchSize}, ${precision}`,
    ...figuresOf(device, program, timing, batchSize),
    compile_ms: compileMs,
    largest_error: difference,
    ...(await explanation(device, program, options, measuring, progress)),
  };
}

async function explanation(
  device: Device,
  program: Program<unknown>,
  { explain: wanted }: NetworkOptions,
  measuring: MeasureOptions,
  progress: Progress,
): Promise<{ explanation?: Explanation }> {
  return wanted ? { explanation: await explain(device, program, measuring, progress) } : {};
}

/** What a measured program took and takes. */
function figuresOf(device: Device, program: Program<unknown>, timing: Parameters<typeof timed>[0], batchSize: number) {
  return {
    ...timed(timing),
    images_per_s: (batchSize * 1000) / timing.medianMs,
    gflop_per_s: program.flop / timing.medianMs / 1e6,
    flop: program.flop,
    kernels: program.kernels.length,
    dispatches: program.dispatches,
    slot_bytes: program.slotBytes,
    unshared_bytes: program.unsharedBytes,
    live_bytes: device.counts.liveBytes,
  };
}

export function inputs(
  device: Device,
  { size, batchSize, classes, precision }: NetworkOptions,
): { x: Tensor; labels: Tensor } {
  // As training has its pictures.
  const dtype = precision === "mixed" ? "f16" : "f32";
  const x = input([batchSize, size, size, 3], { device, dtype });
  x.write(noise(x.size, 1));
  const labels = input([batchSize], { device, dtype: "u32" });
  labels.write(Uint32Array.from({ length: batchSize }, (_, i) => i % classes));
  return { x, labels };
}

export const createModel = (device: Device, { arch, classes }: NetworkOptions): ResNet =>
  new ResNet({ architecture: arch, classes, device, generator: new nn.Generator(SEED) });

/** A second model with the same parameters: drawing 25 million normal numbers again takes longer. */
function copyOf(model: ResNet): ResNet {
  const { architecture, classes } = model;
  const { device } = model.fc.weight;
  const copy = new ResNet({ architecture, classes, device, generator: null });
  const targets = copy.parameters();
  for (const [i, parameter] of model.parameters().entries()) device.copy(parameter.storage, targets[i]!.storage);
  return copy;
}

/** The losses of the first steps, run op by op. The model is disposed of. */
async function eagerLosses(
  model: ResNet,
  x: Tensor,
  labels: Tensor,
  precision: Precision,
  signal: AbortSignal,
): Promise<number[]> {
  const { device } = x;
  const training = startTraining(model, precision);
  training.adam.learningRates = training.adam.learningRates.map(() => CHECKED_RATE);
  const losses: number[] = [];
  for (let step = 0; step < CHECKED_STEPS; step++) {
    signal.throwIfAborted();
    const loss = tidy(() => trainingStep(training, x, labels));
    losses.push(await loss.item());
    loss.dispose();
  }
  training.adam.dispose();
  training.scaler?.dispose();
  model.dispose();
  await device.sync(); // before buffers that queued work uses are given back
  device.trim();
  return losses;
}

/** Gives the largest difference relative to the largest expected value. Throws a CheckError where it is too large. */
function checkClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  precision: Precision,
): number {
  const largest = LARGEST_DIFFERENCE[precision];
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    worst = Math.max(worst, error); // NaN stays
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  const difference = worst / scale;
  if (!(difference <= largest))
    throw new CheckError(
      `${what} of the captured program differ from the eager run's by ${difference.toPrecision(2)}, at most ${largest} is rounding: please report this device`,
    );
  return difference;
}
