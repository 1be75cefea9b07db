import type { DType } from "@fracture/kernels";
import type { Tensor } from "./tensor.ts";

/** Shapes that an op can't take. The message names the op, the rule and the shapes. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  readonly op: string;
  readonly rule: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;

  constructor(op: string, rule: string, shapes: Readonly<Record<string, readonly number[]>>) {
    const shown = Object.entries(shapes).map(([name, shape]) => `${name} [${shape.join(",")}]`);
    super(`${op}: ${rule} (${shown.join(", ")})`);
    this.op = op;
    this.rule = rule;
    this.shapes = shapes;
  }
}

/** A tensor used in a state that forbids it: disposed, of another device or dtype, without a gradient. */
export class TensorError extends Error {
  override readonly name = "TensorError";
  readonly op: string;

  constructor(op: string, rule: string) {
    super(`${op}: ${rule}`);
    this.op = op;
  }
}

/** Something in a captured function that a program can't hold. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

/** No adapter of the wanted kind. `hint` says what to install. */
export class NoAdapterError extends Error {
  override readonly name = "NoAdapterError";
  readonly hint: string;

  constructor(wanted: string) {
    const hint =
      "Install a Vulkan driver for your GPU (NVIDIA: the proprietary driver; AMD and Intel: mesa-vulkan-drivers), " +
      "or a software device: Mesa 24 or newer with lavapipe (Debian 13, Ubuntu 24.04: apt-get install mesa-vulkan-drivers). " +
      "In a checkout, ./fracture sets one up in a cache folder by itself.";
    super(`no ${wanted} WebGPU adapter. ${hint}`);
    this.hint = hint;
  }
}

/** An error that the GPU reported after the call that caused it: validation, or out of memory. */
export class GpuError extends Error {
  override readonly name = "GpuError";
  readonly kind: "validation" | "out-of-memory" | "internal" | "lost";

  constructor(kind: GpuError["kind"], message: string) {
    super(`GPU ${kind}: ${message}`);
    this.kind = kind;
  }
}

/** Throws a TensorError unless the operand has one of these types. */
export function checkDType(op: string, operand: string, dtype: DType, wanted: readonly DType[]): void {
  if (!wanted.includes(dtype))
    throw new TensorError(op, `${operand} must be ${wanted.join(" or ")}, not ${dtype}: see cast`);
}

/** Throws a TensorError unless all live on one device. */
export function checkSameDevice(op: string, tensors: readonly Tensor[]): void {
  const [first] = tensors;
  if (tensors.some((tensor) => tensor.device !== first?.device))
    throw new TensorError(op, "its tensors are on different devices");
}
