import type { KernelPlan, UpdateGeometry } from "@fracture/kernels";
import { TensorError } from "../errors.ts";
import type { Storage } from "../storage.ts";
import type { Tensor } from "../tensor.ts";
import type { Arena } from "./arena.ts";

/** Parameters that share a learning rate. */
export interface ParameterGroup {
  readonly parameters: readonly Tensor[];
  /** Default: the optimiser's. */
  readonly lr?: number;
  /** Default: the optimiser's. */
  readonly weightDecay?: number;
}

/** Settings of every optimiser. */
export interface OptimizerOptions {
  /**
   * Keeps f16 copies of the parameters, which products under `autocast` read; a step writes them in the kernel that
   * updates the parameters. Default: false.
   */
  readonly halfCopies?: boolean;
}

/** A group's rates. */
export interface Rates {
  readonly lr: number;
  readonly weightDecay: number;
}

/** What a subclass knows: its kernel, the names of its moments, and the numbers it needs at a step. */
export interface UpdateKernel {
  readonly rule: "adam" | "sgd";
  /** Names of the moments in the kernel's operands. */
  readonly moments: readonly string[];
  readonly plan: (geometry: UpdateGeometry, arena: Arena) => KernelPlan;
  /** f32 values of one group for a step, which counts from 1. */
  readonly scalars: (group: Rates, step: number) => Float32Array<ArrayBuffer>;
  /** The same where the device alone knows the step. */
  readonly given: (group: Rates) => Float32Array<ArrayBuffer>;
}

/** What a step of scaled gradients reads: see GradScaler. */
export interface Scaling {
  /** The kernels' LOSS_SCALE words. */
  readonly state: Storage;
  /** u32, set where a gradient is not finite. */
  readonly flag: Storage;
}

/** Throws a TensorError unless it is a finite number from 0 up. */
export function checkRate(what: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new TensorError("optimizer", `${what} must be a number from 0 up, not ${value}`);
}

/** Throws a TensorError for a tensor that no optimiser can take. */
export function checkParameter(parameter: Tensor, place: string, repeated: boolean): void {
  const refuse = (why: string): never => {
    throw new TensorError("optimizer", `${place} ${why}`);
  };
  if (parameter.disposed) refuse("was disposed of");
  if (parameter.node) refuse("is the result of an op, no leaf");
  if (parameter.dtype !== "f32") refuse(`must be f32, not ${parameter.dtype}`);
  if (repeated) refuse("is given twice");
  if (parameter.gradTarget) refuse("belongs to another optimiser that was not disposed of");
}
