import { planNonFinite, planStepScalars } from "@fracture/kernels";
import type { Device } from "../device.ts";
import { CaptureError, checkSameDevice, TensorError } from "../errors.ts";
import type { Storage } from "../storage.ts";
import type { Tensor } from "../tensor.ts";
import { Arena } from "./arena.ts";
import {
  checkParameter,
  checkRate,
  type OptimizerOptions,
  type ParameterGroup,
  type Rates,
  type Scaling,
  type UpdateKernel,
} from "./updateKernel.ts";

/**
 * Base of the optimisers: it gathers the parameters into one buffer (or as few as the device permits), so that a step is
 * one kernel. It may run in eager code or inside `capture`: rates and the step's number are data, written before each run.
 */
export abstract class Optimizer {
  #steps = 0;
  /** Where steps may be skipped: the settings as they are given, and the count of steps taken, which only the device knows. */
  #scaled: { readonly given: Storage; readonly steps: Storage } | null = null;
  readonly #device: Device;
  readonly #groups: { readonly parameters: readonly Tensor[]; lr: number; readonly weightDecay: number }[];
  readonly #arenas: readonly Arena[];
  readonly #scalars: Storage;
  readonly #kernel: UpdateKernel;
  #disposed = false;

  constructor(
    groups: readonly ParameterGroup[] | readonly Tensor[],
    defaults: { readonly lr: number; readonly weightDecay: number },
    kernel: UpdateKernel,
    { halfCopies = false }: OptimizerOptions = {},
  ) {
    const given =
      groups.length > 0 && "shape" in groups[0]!
        ? [{ parameters: groups as readonly Tensor[] }]
        : (groups as readonly ParameterGroup[]);
    this.#groups = given.filter(({ parameters }) => parameters.length > 0).map((group) => ({ ...defaults, ...group }));
    const all = this.#groups.flatMap(({ parameters }) => parameters);
    const [first] = all;
    if (!first) throw new TensorError("optimizer", "there are no parameters");
    this.#groups.forEach((group, i) => {
      checkRate(`group ${i}'s learning rate`, group.lr);
      checkRate(`group ${i}'s weight decay`, group.weightDecay);
    });
    this.#places().forEach(({ parameter, place }, i) => checkParameter(parameter, place, all.indexOf(parameter) < i));
    checkSameDevice("optimizer", all);
    if (first.device.recording)
      throw new CaptureError("optimizer: make it before capture(), and only call its step() inside");
    this.#device = first.device;
    this.#kernel = kernel;
    this.#arenas = Arena.gather(
      this.#device,
      this.#groups.map(({ parameters }) => parameters),
      { moments: kernel.moments.length, half: halfCopies },
    );
    this.#scalars = this.#device.allocatePersistent(this.#values((group) => kernel.scalars(group, 1)).byteLength);
  }

  /** Steps taken, but for those that a GradScaler may have skipped: see `readSteps`. */
  get steps(): number {
    return this.#steps;
  }

  /** Sets the number of steps taken, of a run that goes on. */
  set steps(steps: number) {
    this.#steps = steps;
    if (this.#scaled) this.#device.writeBytes(this.#scaled.steps, Uint32Array.of(steps));
  }

  /** Steps taken, without those that were skipped. */
  async readSteps(): Promise<number> {
    return this.#scaled ? new Uint32Array(await this.#device.readBytes(this.#scaled.steps))[0]! : this.#steps;
  }

  /** Learning rates by group. Groups without parameters don't count. */
  get learningRates(): number[] {
    return this.#groups.map(({ lr }) => lr);
  }

  set learningRates(rates: readonly number[]) {
    if (rates.length !== this.#groups.length)
      throw new TensorError("optimizer", `needs ${this.#groups.length} learning rates, got ${rates.length}`);
    rates.forEach((lr, i) => checkRate(`group ${i}'s learning rate`, lr));
    rates.forEach((lr, i) => (this.#groups[i]!.lr = lr));
  }

  /** Forgets the gradients (torch's `zero_grad(set_to_none=True)`). */
  zeroGrad(): void {
    for (const { parameter } of this.#arenas.flatMap(({ segments }) => segments)) {
      parameter.grad?.dispose();
      parameter.grad = null;
    }
  }

  /**
   * Updates every parameter from its gradient. Throws a TensorError with all that have none. With `scaling`, which
   * `GradScaler.step` gives, gradients are divided by the scale, and the step is skipped where one of them is not finite.
   */
  step(scaling: Scaling | null = null): void {
    if (this.#disposed) throw new TensorError("optimizer.step", "the optimiser was disposed of");
    const without = this.#places().filter(({ parameter }) => !parameter.grad);
    if (without.length > 0)
      throw new TensorError(
        "optimizer.step",
        `${without.map(({ place }) => place).join(", ")} ${without.length > 1 ? "have" : "has"} no gradient: ` +
          "the loss does not depend on it, it is frozen, or backward() was not called",
      );
    if (scaling) this.#prepareScaled(scaling);
    else if (this.#scaled)
      throw new TensorError("optimizer.step", "its earlier steps were a GradScaler's: go on with that");
    else
      this.#device.onEveryRun(() => {
        this.#steps += 1;
        this.#device.writeBytes(
          this.#scalars,
          this.#values((group) => this.#kernel.scalars(group, this.#steps)),
        );
      });
    for (const arena of this.#arenas) {
      const { count, groupSegments: segments, half } = arena;
      const moments = Object.fromEntries(this.#kernel.moments.map((name, i) => [name, arena.moments[i]!]));
      this.#device.run(
        this.#kernel.plan({ count, segments, half: half !== null, skippable: scaling !== null }, arena),
        {
          params: arena.parameters,
          grads: arena.gradients,
          scalars: this.#scalars,
          ...moments,
          ...(half ? { half } : {}),
          ...(scaling ? { flag: scaling.flag } : {}),
        },
      );
    }
  }

  /** Looks for gradients that aren't finite, and computes on the device what the step needs. */
  #prepareScaled({ state, flag }: Scaling): void {
    const { limits } = this.#device;
    for (const { count, gradients } of this.#arenas)
      this.#device.run(planNonFinite({ count, accumulate: true }, limits), { x: gradients, flag });
    const { given, steps } = (this.#scaled ??= this.#allocateScaled());
    this.#device.onEveryRun(() => this.#device.writeBytes(given, this.#values(this.#kernel.given)));
    const plan = planStepScalars({ rule: this.#kernel.rule, groups: this.#groups.length });
    this.#device.run(plan, { given, state, flag, steps, scalars: this.#scalars });
  }

  #allocateScaled(): { given: Storage; steps: Storage } {
    const steps = this.#device.allocatePersistent(4);
    this.#device.writeBytes(steps, Uint32Array.of(this.#steps));
    return { given: this.#device.allocatePersistent(this.#scalars.bytes), steps };
  }

  /** Reads a parameter's moments back, for a checkpoint: name -> values, in the engine's layout. */
  async readMoments(parameter: Tensor): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    const values = new Map<string, Float32Array<ArrayBuffer>>();
    // One after the other: each reading at once would need a staging buffer of its own.
    for (const { name, storage } of this.#momentsOf(parameter)) {
      values.set(name, new Float32Array(await this.#device.readBytes(storage)));
      storage.release();
    }
    return values;
  }

  /** Restores a parameter's moments. Throws a TensorError where one is missing or of another size, and then has written none. */
  writeMoments(parameter: Tensor, values: ReadonlyMap<string, Float32Array<ArrayBuffer>>): void {
    const moments = this.#momentsOf(parameter);
    const bad = moments.find(({ name }) => values.get(name)?.length !== parameter.size);
    for (const { name, storage } of moments) {
      if (!bad) this.#device.writeBytes(storage, values.get(name)!);
      storage.release();
    }
    if (bad) throw new TensorError("writeMoments", `${bad.name} is missing or of another size`);
  }

  /**
   * Gives the parameters buffers of their own again, with their values, and frees the gradients and moments. Programs that
   * were captured with it can't be replayed any more.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const arena of this.#arenas) arena.release(this.#device);
    this.#scalars.release();
    this.#scaled?.given.release();
    this.#scaled?.steps.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Every parameter, and how an error names it. */
  #places(): { parameter: Tensor; place: string }[] {
    return this.#groups.flatMap(({ parameters }, group) =>
      parameters.map((parameter, i) => ({
        parameter,
        place: `parameter ${i} of group ${group} [${parameter.shape.join(",")}]`,
      })),
    );
  }

  /** The caller releases the storages. */
  #momentsOf(parameter: Tensor): { name: string; storage: Storage }[] {
    for (const arena of this.#arenas) {
      const segment = arena.segments.find((candidate) => candidate.parameter === parameter);
      if (segment) return this.#kernel.moments.map((name, i) => ({ name, storage: arena.momentOf(i, segment) }));
    }
    throw new TensorError("optimizer", "the parameter is not this optimiser's");
  }

  /** The blocks of all groups. */
  #values(block: (group: Rates) => Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#groups.flatMap((group) => [...block(group)]));
  }
}
