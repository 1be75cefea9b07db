import type { DType, KernelPlan } from "@fracture/kernels";
import type { Device } from "../device.ts";
import { checkDType, checkSameDevice, TensorError } from "../errors.ts";
import { keep, tidy } from "../scope.ts";
import type { Shape } from "../shape.ts";
import type { Storage } from "../storage.ts";
import { Tensor } from "../tensor.ts";
import { Node, type Gradients } from "./node.ts";
import { gradEnabled, noGrad } from "./noGrad.ts";

/** What an op's forward and backward use: new tensors, and kernels on them. */
export class OpContext {
  readonly device: Device;
  /** Which inputs' gradients are wanted. In `forward`: all false where nothing is recorded. */
  readonly needs: Readonly<Record<string, boolean>>;

  constructor(device: Device, needs: Readonly<Record<string, boolean>>) {
    this.device = device;
    this.needs = needs;
  }

  get limits(): Device["limits"] {
    return this.device.limits;
  }

  /** True where a backward pass will follow: what it needs has to be saved. */
  get recording(): boolean {
    return Object.values(this.needs).some(Boolean);
  }

  /** A tensor with undefined contents. */
  empty(shape: Shape, dtype: DType = "f32"): Tensor {
    const bytes = shape.reduce((product, size) => product * size, dtype === "f16" ? 2 : 4);
    return new Tensor(this.device, this.device.allocate(bytes), shape, dtype);
  }

  run(plan: KernelPlan, operands: Readonly<Record<string, Tensor | Storage>>): void {
    this.device.run(plan, operands);
  }
}

export type Inputs = Readonly<Record<string, Tensor>>;

/** An op: one definition, in one file. `Saved` is what forward hands to backward: tensors are kept alive until then. */
export interface OpDefinition<I extends Inputs, O, S extends Readonly<Record<string, unknown>>> {
  readonly name: string;
  /** The types that its inputs may have. Default: f32. */
  readonly dtypes?: readonly DType[];
  /** Checks shapes (throws a ShapeError), runs the kernels, returns the result. */
  forward(k: OpContext, inputs: I, options: O): { readonly y: Tensor; readonly saved: S };
  /** The gradients of the inputs that `k.needs`, by name. Runs without recording. */
  backward(k: OpContext, dy: Tensor, saved: S): Gradients;
}

/** Turns a definition into a function that records itself for `backward()` where an input requires a gradient. */
export function defineOp<I extends Inputs, O, S extends Readonly<Record<string, unknown>>>(
  definition: OpDefinition<I, O, S>,
): (inputs: I, options: O) => Tensor {
  const { name, dtypes = ["f32"] } = definition;
  return (inputs, options) => {
    const tensors = Object.values(inputs);
    for (const tensor of tensors) tensor.check(name);
    for (const [key, { dtype }] of Object.entries(inputs)) checkDType(name, key, dtype, dtypes);
    checkSameDevice(name, tensors);
    const device = tensors[0]!.device;
    const recorded = gradEnabled() && tensors.some((tensor) => tensor.requiresGrad);
    const needs = Object.fromEntries(
      Object.entries(inputs).map(([key, tensor]) => [key, recorded && tensor.requiresGrad]),
    );
    // What forward makes beside its result lives on only where it is saved.
    return tidy(() => {
      const { y, saved } = noGrad(() => definition.forward(new OpContext(device, needs), inputs, options));
      if (!recorded) return y;
      if (y.node) throw new TensorError(name, "forward must return a new tensor");
      // The node saves views of its own: the caller may dispose of inputs and results before backward.
      const views = Object.entries(saved).map(
        ([key, value]) => [key, value instanceof Tensor ? keep(value.view()) : value] as const,
      );
      const owned = views.flatMap(([, value]) => (value instanceof Tensor ? [value] : []));
      const own = Object.fromEntries(views) as S;
      y.node = new Node(name, inputs, needs, owned, (dy) => definition.backward(new OpContext(device, needs), dy, own));
      y.requiresGrad = true;
      return y;
    });
  };
}
