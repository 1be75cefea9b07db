import { BYTES_PER_ELEMENT, planCast, type DType } from "@fracture/kernels";
import { runBackward } from "./autograd/backward.ts";
import type { Node } from "./autograd/node.ts";
import type { Device } from "./device.ts";
import { ShapeError, TensorError } from "./errors.ts";
import { keep, track } from "./scope.ts";
import { checkShape, sizeOf, type Shape } from "./shape.ts";
import type { Storage } from "./storage.ts";

/** What `data()` returns: f16 comes widened to f32. */
export type Data = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/**
 * A dense, row-major array of one dtype on a device. Memory is held until `dispose()`, the end of a `using` block or
 * of the `tidy` that it was created in. Activations are NHWC, filters [Cout][R][S][Cin].
 */
export class Tensor {
  readonly device: Device;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Where the elements are. Replaced only when an optimiser gathers its parameters into one buffer. */
  storage: Storage;
  /** True where gradients are wanted: of a leaf by its owner's wish, of a result when an input needs one. */
  requiresGrad = false;
  /** After `backward()`: d(loss)/d(this), of the same shape. Leaves only. It outlives `tidy`, and its leaf: dispose of it too. */
  grad: Tensor | null = null;
  /** Where a gradient is to be written, once an optimiser owns this leaf. */
  gradTarget: Storage | null = null;
  /**
   * The same numbers as f16, for products under `autocast`: of weights, kept as they are by `write` and by the optimiser that
   * owns them. See `keepHalf`.
   */
  half: Tensor | null = null;
  /** The op that made it, while gradients are recorded. */
  node: Node | null = null;
  #disposed = false;

  /** Takes over one reference to `storage`. */
  constructor(device: Device, storage: Storage, shape: Shape, dtype: DType) {
    checkShape("tensor", shape);
    this.device = device;
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    track(this);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get bytes(): number {
    return this.size * BYTES_PER_ELEMENT[this.dtype];
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** A tensor of the same device and dtype with undefined contents; the shape is this one's unless given. */
  emptyLike(shape: Shape = this.shape, dtype: DType = this.dtype): Tensor {
    return new Tensor(this.device, this.device.allocate(sizeOf(shape) * BYTES_PER_ELEMENT[dtype]), shape, dtype);
  }

  /** A tensor of this shape and dtype on a storage of which it takes over one reference. */
  emptyLikeOn(storage: Storage): Tensor {
    return new Tensor(this.device, storage, this.shape, this.dtype);
  }

  /** The same elements in another shape, sharing memory, without a gradient's history. */
  view(shape: Shape = this.shape): Tensor {
    this.check("view");
    if (sizeOf(shape) !== this.size)
      throw new ShapeError("view", "the number of elements must stay", { from: this.shape, to: shape });
    return new Tensor(this.device, this.storage.retain(), shape, this.dtype);
  }

  /** The same elements, cut off from the gradient's history (torch's `detach`). */
  detach(): Tensor {
    return this.view();
  }

  /** Cuts this tensor off from what it was computed from. Leaves stay as they are. */
  forgetHistory(): void {
    if (!this.node) return;
    this.node.release();
    this.node = null;
    this.requiresGrad = false;
  }

  /** Marks a leaf as wanting a gradient; returns it. */
  requireGrad(wanted = true): this {
    if (this.node) throw new TensorError("requireGrad", "only a leaf can be told to want a gradient");
    if (wanted && this.dtype !== "f32" && this.dtype !== "f16")
      throw new TensorError("requireGrad", `only a tensor of floats can want a gradient, not one of ${this.dtype}`);
    this.requiresGrad = wanted;
    return this;
  }

  /**
   * Makes `half`: in `storage`, of which it takes over a reference, or in memory of its own. f32 only; not inside `capture`.
   * Whoever writes to the elements but by `write` has to write there too.
   */
  keepHalf(storage?: Storage): void {
    this.check("keepHalf");
    if (this.dtype !== "f32") throw new TensorError("keepHalf", `only f32 has an f16 copy, not ${this.dtype}`);
    if (!this.device.limits.f16) throw new TensorError("keepHalf", "the device has no f16 (the feature shader-f16)");
    if (this.device.recording) throw new TensorError("keepHalf", "make the copy before capture()");
    this.half?.dispose();
    const memory = storage ?? this.device.allocatePersistent(this.size * BYTES_PER_ELEMENT.f16);
    this.half = keep(new Tensor(this.device, memory, this.shape, "f16"));
    this.#writeHalf();
  }

  #writeHalf(): void {
    if (!this.half) return;
    this.device.run(planCast({ from: "f32", to: "f16", count: this.size }, this.device.limits), {
      x: this,
      y: this.half,
    });
  }

  /** Reads the elements back. The one readback; in a captured function it throws. */
  async data(): Promise<Data> {
    this.check("data");
    return this.device.read(this);
  }

  /** Reads back a tensor of one element. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new ShapeError("item", "the tensor must have one element", { x: this.shape });
    return (await this.data())[0]!;
  }

  /** Overwrites the elements from the host, in order after the work queued so far. */
  write(values: ArrayLike<number>): void {
    this.check("write");
    if (values.length !== this.size)
      throw new ShapeError("write", `needs ${this.size} values, got ${values.length}`, { x: this.shape });
    this.device.write(this, values);
    this.#writeHalf();
  }

  /** Adds d(this)/d(leaf) to the `grad` of every leaf that requires it. `this` must have one element. */
  backward(): void {
    this.check("backward");
    runBackward(this);
  }

  /** Throws a TensorError if the memory was given back. */
  check(op: string): void {
    if (this.#disposed) throw new TensorError(op, "the tensor was disposed of");
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.storage.release();
    this.half?.dispose();
    this.half = null;
    this.forgetHistory();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
