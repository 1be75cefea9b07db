import { LOSS_SCALE, LOSS_SCALE_WORDS, planLossScale } from "@fracture/kernels";
import { CaptureError, TensorError } from "../errors.ts";
import type { Device } from "../device.ts";
import { mul } from "../ops/binary.ts";
import { input } from "../create.ts";
import { keep } from "../scope.ts";
import { Storage } from "../storage.ts";
import { Tensor } from "../tensor.ts";
import type { Optimizer } from "./optimizer.ts";

/** torch's defaults. */
export interface GradScalerOptions {
  /** Default: 65,536. */
  readonly initScale?: number;
  /** Default: 2. */
  readonly growthFactor?: number;
  /** Default: 0.5. */
  readonly backoffFactor?: number;
  /** Steps without an overflow after which the scale grows. Default: 2000. */
  readonly growthInterval?: number;
}

/** What a checkpoint keeps of a GradScaler. */
export interface LossScale {
  readonly scale: number;
  /** Steps without an overflow since the scale last changed. */
  readonly growth: number;
  /** Steps that were skipped, ever. */
  readonly skipped: number;
}

/**
 * Dynamic loss scaling as torch.cuda.amp.GradScaler (Micikevicius et al. 2018): f16 gradients underflow, so the loss is
 * multiplied by a scale, and gradients are divided by it in the update. Where one of them is not finite the step is skipped,
 * weights, moments and the count of steps stay as they are, and the scale is halved; after enough good steps it is doubled. All of
 * this happens on the device, eager or inside `capture`: nothing is read back, nothing waits.
 *
 *     const loss = autocast(() => lossOf(model.forward(x), y));
 *     scaler.scale(loss).backward(); scaler.step(adam); scaler.update();
 */
export class GradScaler {
  /**
   * f32 [4], for whoever wants to read it in time with the steps: see `lossScaleOf`. The word after the counts is 1 where
   * the latest step was skipped.
   */
  readonly state: Tensor;
  readonly #device: Device;
  /** The scale alone: the first word of `state`. */
  readonly #scale: Tensor;
  readonly #flag: Storage;
  readonly #options: Required<Omit<GradScalerOptions, "initScale">>;
  #disposed = false;

  constructor(device: Device, options: GradScalerOptions = {}) {
    const { initScale = 65_536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 } = options;
    if (device.recording) throw new CaptureError("GradScaler: make it before capture()");
    if (!(initScale > 0 && Number.isFinite(initScale)))
      throw new TensorError("GradScaler", `initScale must be a number above 0, not ${initScale}`);
    this.#options = { growthFactor, backoffFactor, growthInterval };
    planLossScale(this.#options); // says what is wrong with the factors
    this.#device = device;
    this.state = keep(input([LOSS_SCALE_WORDS], { device }));
    const { buffer, offset } = this.state.storage.retain().resolve();
    const first = new Storage(4, { buffer, offset, size: 4 }, () => this.state.storage.release());
    this.#scale = keep(new Tensor(device, first, [], "f32"));
    this.#flag = device.allocatePersistent(4);
    device.writeBytes(this.#flag, new Uint32Array(1));
    this.write({ scale: initScale, growth: 0, skipped: 0 });
  }

  /** loss * scale, of which `backward()` is called. */
  scale(loss: Tensor): Tensor {
    this.#check("scale");
    return mul(loss, this.#scale);
  }

  /** Updates the optimiser's parameters from scaled gradients, or skips that where one of them is not finite. */
  step(optimizer: Optimizer): void {
    this.#check("step");
    optimizer.step({ state: this.state.storage, flag: this.#flag });
  }

  /** Changes the scale for the next step: once a step, after the optimisers'. */
  update(): void {
    this.#check("update");
    this.#device.run(planLossScale(this.#options), { state: this.state, flag: this.#flag });
  }

  /** Where it stands, after the work queued so far. */
  async read(): Promise<LossScale> {
    const { scale, growth, skipped } = lossScaleOf(await this.state.data());
    return { scale, growth, skipped };
  }

  /** Goes on from where another one stood. */
  write({ scale, growth, skipped }: LossScale): void {
    this.#check("write");
    const words = new Float32Array(LOSS_SCALE_WORDS);
    words[LOSS_SCALE.scale] = scale;
    words[LOSS_SCALE.growth] = growth;
    words[LOSS_SCALE.skipped] = skipped;
    this.state.write(words);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#scale.dispose();
    this.state.dispose();
    this.#flag.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #check(op: string): void {
    if (this.#disposed) throw new TensorError(`GradScaler.${op}`, "it was disposed of");
  }
}

/** What a GradScaler's `state` says, read back. */
export function lossScaleOf(
  state: ArrayLike<number>,
): LossScale & { /** The latest step was skipped. */ readonly found: boolean } {
  return {
    scale: state[LOSS_SCALE.scale]!,
    growth: state[LOSS_SCALE.growth]!,
    skipped: state[LOSS_SCALE.skipped]!,
    found: state[LOSS_SCALE.found] !== 0,
  };
}
