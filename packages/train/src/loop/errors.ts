/** The loss is NaN or infinite: training stops, and the last good checkpoint stands. */
export class NonFiniteLossError extends Error {
  override readonly name = "NonFiniteLossError";
  readonly epoch: number;
  readonly step: number;
  readonly files: readonly string[];

  constructor(loss: number, epoch: number, step: number, files: readonly string[]) {
    const shown = files.slice(0, 8).join(", ") + (files.length > 8 ? `, and ${files.length - 8} more` : "");
    super(
      `the loss is ${loss} in epoch ${epoch}, step ${step} (files: ${shown}). A lower --lr is the usual cure; the last checkpoint stands`,
    );
    this.epoch = epoch;
    this.step = step;
    this.files = files;
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
