import type { KernelPlan } from "@fracture/kernels";
import type { Device } from "../device.ts";
import { CaptureError, checkSameDevice, TensorError } from "../errors.ts";
import type { Storage } from "../storage.ts";
import type { Tensor } from "../tensor.ts";
import { Arena } from "./arena.ts";

/** Parameters that share a learning rate. */
export interface ParameterGroup {
  readonly parameters: readonly Tensor[];
  /** Default: the optimiser's. */
  readonly lr?: number;
  /** Default: the optimiser's. */
  readonly weightDecay?: number;
}

/** What a subclass knows: its kernel, the names of its moments, and the numbers it needs at a step. */
export interface UpdateKernel {
  /** Names of the moments in the kernel's operands. */
  readonly moments: readonly string[];
  readonly plan: (arena: Arena) => KernelPlan;
  /** f32 values of one group for a step, which counts from 1. */
  readonly scalars: (
    group: { readonly lr: number; readonly weightDecay: number },
    step: number,
  ) => Float32Array<ArrayBuffer>;
}

/**
 * Base of the optimisers: it gathers the parameters into one buffer (or as few as the device permits), so that a step is
 * one kernel. It may run in eager code or inside `capture`: rates and the step's number are data, written before each run.
 */
export abstract class Optimizer {
  /** Steps taken. */
  steps = 0;
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
      kernel.moments.length,
    );
    this.#scalars = this.#device.allocatePersistent(this.#values(1).byteLength);
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

  /** Updates every parameter from its gradient. Throws a TensorError with all that have none. */
  step(): void {
    if (this.#disposed) throw new TensorError("optimizer.step", "the optimiser was disposed of");
    const without = this.#places().filter(({ parameter }) => !parameter.grad);
    if (without.length > 0)
      throw new TensorError(
        "optimizer.step",
        `${without.map(({ place }) => place).join(", ")} ${without.length > 1 ? "have" : "has"} no gradient: ` +
          "the loss does not depend on it, it is frozen, or backward() was not called",
      );
    this.#device.onEveryRun(() => {
      this.steps += 1;
      this.#device.writeBytes(this.#scalars, this.#values(this.steps));
    });
    for (const arena of this.#arenas) {
      const moments = Object.fromEntries(this.#kernel.moments.map((name, i) => [name, arena.moments[i]!]));
      this.#device.run(this.#kernel.plan(arena), {
        params: arena.parameters,
        grads: arena.gradients,
        scalars: this.#scalars,
        ...moments,
      });
    }
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

  #values(step: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#groups.flatMap((group) => [...this.#kernel.scalars(group, step)]));
  }
}

function checkRate(what: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new TensorError("optimizer", `${what} must be a number from 0 up, not ${value}`);
}

function checkParameter(parameter: Tensor, place: string, repeated: boolean): void {
  const refuse = (why: string): never => {
    throw new TensorError("optimizer", `${place} ${why}`);
  };
  if (parameter.disposed) refuse("was disposed of");
  if (parameter.node) refuse("is the result of an op, no leaf");
  if (parameter.dtype !== "f32") refuse(`must be f32, not ${parameter.dtype}`);
  if (repeated) refuse("is given twice");
  if (parameter.gradTarget) refuse("belongs to another optimiser that was not disposed of");
}
