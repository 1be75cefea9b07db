import { GeometryError } from "../errors.ts";

/**
 * The f32 of the operand `scalars` that change from step to step, a block of ADAM_SCALARS for each parameter group.
 * They are computed in f64 here, as torch computes them in Python's floats, and rounded once.
 */
export const ADAM_SCALAR = {
  /** lr / (1 - beta1^step) */
  stepSize: 0,
  /** Added to the gradient as weightDecay * parameter (torch's Adam); 0 for AdamW. */
  weightDecay: 1,
  /** 1 - lr * weightDecay, by which AdamW multiplies a parameter first; 1 for Adam. */
  keep: 2,
  beta1: 3,
  /** 1 - beta1 */
  newer1: 4,
  beta2: 5,
  /** 1 - beta2 */
  newer2: 6,
  /** sqrt(1 - beta2^step) */
  correction2: 7,
  eps: 8,
  /** The gradient is multiplied by it first: 1, or the inverse of a loss scale. */
  gradScale: 9,
  /** ln(beta1) and ln(beta2), where the device computes `stepSize` and `correction2` itself: see `adamGiven`. */
  logBeta1: 10,
  logBeta2: 11,
} as const;
export const ADAM_SCALARS = 12;

export interface AdamOptions {
  readonly lr: number;
  /** 0.9 and 0.999 where they are left out, as in torch. */
  readonly betas?: readonly [number, number];
  /** 1e-8 */
  readonly eps?: number;
  /** 0 */
  readonly weightDecay?: number;
  /** Weight decay as AdamW has it; false, L2 added to the gradient, where it is left out. */
  readonly decoupled?: boolean;
  /** 1 */
  readonly gradScale?: number;
}

/** A group's block of `scalars` for a step; the first step is 1. Throws GeometryError for a step or betas out of range. */
export function adamScalars(options: AdamOptions, step: number): Float32Array<ArrayBuffer> {
  const {
    lr,
    betas: [beta1, beta2] = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = 0,
    decoupled = false,
    gradScale = 1,
  } = options;
  if (!Number.isInteger(step) || step < 1) throw new GeometryError("adam", "step counts from 1", { step });
  if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1))
    throw new GeometryError("adam", "betas must be from 0 up to 1", { betas: [beta1, beta2] });
  const block = new Float32Array(ADAM_SCALARS);
  block[ADAM_SCALAR.stepSize] = lr / (1 - beta1 ** step);
  block[ADAM_SCALAR.weightDecay] = decoupled ? 0 : weightDecay;
  block[ADAM_SCALAR.keep] = decoupled ? 1 - lr * weightDecay : 1;
  block[ADAM_SCALAR.beta1] = beta1;
  block[ADAM_SCALAR.newer1] = 1 - beta1;
  block[ADAM_SCALAR.beta2] = beta2;
  block[ADAM_SCALAR.newer2] = 1 - beta2;
  block[ADAM_SCALAR.correction2] = Math.sqrt(1 - beta2 ** step);
  block[ADAM_SCALAR.eps] = eps;
  block[ADAM_SCALAR.gradScale] = gradScale;
  return block;
}

/** From here on exp() is 0 in f32, and 1 less it is 1. */
const SMALLEST_LOG = -100;

/**
 * A group's block of `given` for `planStepScalars`, which knows the step's number: `stepSize` is the learning rate, to be
 * divided by 1 - beta1^step there.
 */
export function adamGiven(options: AdamOptions): Float32Array<ArrayBuffer> {
  const { betas: [beta1, beta2] = [0.9, 0.999] } = options;
  const block = adamScalars(options, 1);
  block[ADAM_SCALAR.stepSize] = options.lr;
  block[ADAM_SCALAR.logBeta1] = Math.max(Math.log(beta1), SMALLEST_LOG);
  block[ADAM_SCALAR.logBeta2] = Math.max(Math.log(beta2), SMALLEST_LOG);
  return block;
}

/** The f32 of `scalars` for SGD, a block of SGD_SCALARS for each parameter group. */
export const SGD_SCALAR = { lr: 0, weightDecay: 1, momentum: 2, gradScale: 3 } as const;
export const SGD_SCALARS = 4;

export interface SgdOptions {
  readonly lr: number;
  /** 0 where it is left out. */
  readonly momentum?: number;
  readonly weightDecay?: number;
  /** 1 */
  readonly gradScale?: number;
}

/** A group's block of `scalars` for SGD; the same every step until the learning rate changes. */
export function sgdScalars({
  lr,
  momentum = 0,
  weightDecay = 0,
  gradScale = 1,
}: SgdOptions): Float32Array<ArrayBuffer> {
  return new Float32Array([lr, weightDecay, momentum, gradScale]);
}
