import { planFill, type DType } from "@fracture/kernels";
import type { Device } from "./device.ts";
import { CaptureError, ShapeError } from "./errors.ts";
import { checkShape, sizeOf, type Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Where a new tensor lives, and its type. */
export interface CreateOptions {
  readonly device: Device;
  /** Default: f32. */
  readonly dtype?: DType;
}

/** Numbers, nested as deep as the tensor has dimensions. */
export type Nested = number | readonly Nested[];

/** A tensor from nested arrays, `tensor([[1, 2], [3, 4]], { device })`, or from flat values and a shape. */
export function tensor(
  values: Nested | ArrayLike<number>,
  options: CreateOptions & { readonly shape?: Shape },
): Tensor {
  const { device, dtype = "f32" } = options;
  const nested = typeof values === "number" || Array.isArray(values);
  const shape = options.shape ?? (nested ? shapeOf(values as Nested) : [(values as ArrayLike<number>).length]);
  const flat = nested ? flatten(values as Nested) : (values as ArrayLike<number>);
  if (flat.length !== sizeOf(shape)) throw new ShapeError("tensor", `got ${flat.length} values`, { shape });
  const result = empty(shape, { device, dtype }, "tensor");
  device.write(result, flat);
  return result;
}

/** A tensor of zeros. */
export const zeros = (shape: Shape, options: CreateOptions): Tensor => full(shape, 0, options);

/** A tensor of ones. */
export const ones = (shape: Shape, options: CreateOptions): Tensor => full(shape, 1, options);

/** A tensor of one value (f32); inside `capture` a kernel of the program, else written at once. */
export function full(shape: Shape, value: number, { device, dtype = "f32" }: CreateOptions): Tensor {
  checkShape("full", shape);
  if (dtype !== "f32") return tensor(new Float64Array(sizeOf(shape)).fill(value), { device, dtype, shape });
  const count = sizeOf(shape);
  const result = new Tensor(device, device.allocate(count * 4), shape, dtype);
  device.run(planFill({ count, value }, device.limits), { y: result });
  return result;
}

/** A tensor whose contents are to be written from the host: a program's input. Not inside `capture`. */
export function input(shape: Shape, options: CreateOptions): Tensor {
  return empty(shape, options, "input");
}

function empty(shape: Shape, { device, dtype = "f32" }: CreateOptions, op: string): Tensor {
  checkShape(op, shape);
  if (device.recording)
    throw new CaptureError(
      `${op}: host values can't enter a captured function: make the tensor outside and use it inside`,
    );
  return new Tensor(device, device.allocatePersistent(sizeOf(shape) * (dtype === "f16" ? 2 : 4)), shape, dtype);
}

function shapeOf(values: Nested): number[] {
  if (typeof values === "number") return [];
  const [first] = values;
  if (first === undefined) throw new ShapeError("tensor", "empty arrays are not supported", { shape: [0] });
  const inner = shapeOf(first);
  for (const value of values) {
    if (shapeOf(value).join() !== inner.join())
      throw new ShapeError("tensor", "rows must have equal sizes", { first: inner, other: shapeOf(value) });
  }
  return [values.length, ...inner];
}

const flatten = (values: Nested): number[] => (typeof values === "number" ? [values] : values.flatMap(flatten));
