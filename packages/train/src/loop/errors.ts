const listed = (files: readonly string[]): string =>
  files.slice(0, 8).join(", ") + (files.length > 8 ? `, and ${files.length - 8} more` : "");

/** The loss is NaN or infinite: training stops, and the last good checkpoint stands. */
export class NonFiniteLossError extends Error {
  override readonly name = "NonFiniteLossError";
  readonly epoch: number;
  /** Null: on the validation pictures, after the epoch. */
  readonly step: number | null;
  readonly files: readonly string[];

  constructor(loss: number, epoch: number, step: number | null, files: readonly string[]) {
    super(
      `the ${step === null ? "validation loss" : "loss"} is ${loss} in epoch ${epoch}${step === null ? "" : `, step ${step}`} (files: ${listed(files)}). A lower --lr is the usual cure; the last checkpoint stands`,
    );
    this.epoch = epoch;
    this.step = step;
    this.files = files;
  }
}

/** In mixed precision, gradients are NaN or infinite however small the loss scale: training stops, and the last good checkpoint stands. */
export class NonFiniteGradientsError extends Error {
  override readonly name = "NonFiniteGradientsError";
  readonly epoch: number;
  readonly step: number;
  readonly files: readonly string[];

  constructor(scale: number, epoch: number, step: number, files: readonly string[]) {
    super(
      `the gradients are NaN or infinite even at a loss scale of ${scale * 2}, in epoch ${epoch}, step ${step} (files: ${listed(files)}). A lower --lr is the usual cure; the last checkpoint stands`,
    );
    this.epoch = epoch;
    this.step = step;
    this.files = files;
  }
}

/** Weights are NaN or infinite where they were to be saved: they are not, and the last good checkpoint stands. */
export class NonFiniteWeightsError extends Error {
  override readonly name = "NonFiniteWeightsError";

  constructor(tensor: string, steps: number) {
    super(
      `${tensor} holds NaN or infinite values after step ${steps} of the run. A lower --lr is the usual cure; the last checkpoint stands`,
    );
  }
}

/** Logits are NaN or infinite on pictures that nothing is learnt from: the weights are beyond use. */
export class NonFiniteLogitsError extends Error {
  override readonly name = "NonFiniteLogitsError";

  constructor(split: string, path: string) {
    super(
      `the logits of ${path} (${split}) are NaN or infinite: the weights are damaged, or grew out of bounds in training, of which a lower --lr is the usual cure`,
    );
  }
}

/** Stopped on request (Ctrl-C). */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  /** A checkpoint was saved: the run can be resumed. */
  readonly saved: boolean;

  constructor({ saved }: { readonly saved: boolean }) {
    super(saved ? "stopped on request; the checkpoint is saved, go on with --resume" : "stopped on request");
    this.saved = saved;
  }
}
