import { encodeDispatch, KernelEncoder, type DeviceLimits, type KernelPlan } from "@fracture/kernels";
import { openAdapter, requestDevice, type AdapterInfo, type AdapterOptions, type OpenedAdapter } from "./adapters.ts";
import { BufferPool, type MemoryCounts } from "./bufferPool.ts";
import { CaptureError, GpuError, TensorError } from "./errors.ts";
import { fromBytes, toBytes } from "./hostData.ts";
import type { Recording } from "./capture/recording.ts";
import { Storage } from "./storage.ts";
import type { Data, Tensor } from "./tensor.ts";

/** Eager dispatches are submitted in groups of this many. */
const DISPATCHES_PER_SUBMIT = 128;

/** What was created on a device since it was opened, and what is held now. */
export interface DeviceCounts extends MemoryCounts {
  readonly pipelines: number;
  readonly bindGroups: number;
}

/**
 * Opens a device. Throws a NoAdapterError where there is no adapter of the wanted kind. Call `close()` at the end: it
 * gives the memory back at once, and Dawn may keep a process alive whose device is open. */
export async function openDevice(options: AdapterOptions = {}): Promise<Device> {
  const opened = await openAdapter(options);
  const choices = await options.choices?.(opened.info);
  const { gpu, limits } = await requestDevice(opened);
  return new Device(opened, gpu, choices ? { ...limits, choices } : limits);
}

/** A GPU (or a software stand-in): memory, a queue of kernels, and what it can do. */
export class Device {
  readonly gpu: GPUDevice;
  readonly limits: DeviceLimits;
  readonly info: AdapterInfo;
  readonly encoder: KernelEncoder;
  readonly pool: BufferPool;
  /** Set while a function is captured: kernels are then recorded instead of run. */
  recording: Recording | null = null;
  readonly #opened: OpenedAdapter;
  #commands: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #queued = 0;
  #error: GpuError | null = null;
  #closed = false;

  constructor(opened: OpenedAdapter, gpu: GPUDevice, limits: DeviceLimits) {
    this.#opened = opened;
    this.gpu = gpu;
    this.limits = limits;
    this.info = opened.info;
    this.encoder = new KernelEncoder(gpu);
    this.pool = new BufferPool(gpu);
    gpu.addEventListener("uncapturederror", ({ error }) => {
      const kind =
        error instanceof GPUOutOfMemoryError
          ? "out-of-memory"
          : error instanceof GPUValidationError
            ? "validation"
            : "internal";
      this.#error ??= new GpuError(kind, error.message);
    });
    void gpu.lost.then(({ message }) => {
      if (!this.#closed) this.#error ??= new GpuError("lost", message);
    });
  }

  /** What was created and what is held, for tests and `--verbose`. */
  get counts(): DeviceCounts {
    const { pipelines, bindGroups, uniforms } = this.encoder.counts;
    return { ...this.pool.counts, created: this.pool.counts.created + uniforms, pipelines, bindGroups };
  }

  /** Memory for a tensor: from the pool, or without a buffer while a function is captured. */
  allocate(bytes: number): Storage {
    return this.recording ? this.recording.allocate(bytes) : this.allocatePersistent(bytes);
  }

  /** Memory that is not part of a captured program: parameters, inputs, optimiser state. */
  allocatePersistent(bytes: number): Storage {
    this.#open("allocate");
    const buffer = this.pool.acquire(bytes, "tensor");
    return new Storage(bytes, { buffer, offset: 0, size: Math.ceil(bytes / 4) * 4 }, () => this.pool.release(buffer));
  }

  /** Queues a kernel on these tensors or storages, or records it. */
  run(plan: KernelPlan, operands: Readonly<Record<string, Tensor | Storage>>): void {
    const storages = new Map(
      Object.entries(operands).map(([name, operand]) => [
        name,
        operand instanceof Storage ? operand : liveStorage(plan, name, operand),
      ]),
    );
    for (const name of Object.keys(plan.operands)) {
      if (!storages.has(name)) throw new TensorError(plan.name, `no tensor was given for operand ${name}`);
    }
    if (this.recording) return this.recording.add(plan, storages);
    this.#open(plan.name);
    const scratch = new Map(
      Object.entries(plan.workspace).map(([name, bytes]) => [name, this.pool.acquire(bytes, name)]),
    );
    const bind = (operand: string): GPUBufferBinding => {
      const buffer = scratch.get(operand);
      if (buffer) return { buffer };
      return storages.get(operand)!.resolve();
    };
    try {
      for (const dispatch of this.encoder.dispatches(plan, bind)) encodeDispatch(this.#openPass(), dispatch);
    } finally {
      for (const buffer of scratch.values()) this.pool.release(buffer);
    }
    this.#queued += plan.passes.length;
    if (this.#queued >= DISPATCHES_PER_SUBMIT) this.flush();
  }

  /** Does it now, or before every replay where a function is being captured: what a kernel needs of the host. */
  onEveryRun(prepare: () => void): void {
    if (this.recording) this.recording.beforeReplay.push(prepare);
    else prepare();
  }

  /** Queues a copy of a storage's bytes, or records it. */
  copy(from: Storage, to: Storage): void {
    if (this.recording) return this.recording.addCopy(from, to);
    const source = from.resolve();
    const target = to.resolve();
    this.copyRange(source, target, Math.min(source.size, target.size));
  }

  /** Queues a copy between buffers: offsets and size in bytes, multiples of four. Not recorded. */
  copyRange(
    source: { buffer: GPUBuffer; offset: number },
    target: { buffer: GPUBuffer; offset: number },
    size: number,
  ): void {
    this.#openCommands().copyBufferToBuffer(source.buffer, source.offset, target.buffer, target.offset, size);
    this.#queued += 1;
  }

  /** Overwrites a tensor from the host. */
  write(tensor: Tensor, values: ArrayLike<number>): void {
    if (this.recording)
      throw new CaptureError(
        "write: host values can't enter a captured function: make the tensor outside, and write to it before a replay",
      );
    this.#open("write");
    this.writeBytes(tensor.storage, toBytes(tensor.dtype, values));
  }

  /** Overwrites a storage (from a byte offset) with raw bytes, after the work queued so far. */
  writeBytes(storage: Storage, bytes: ArrayBufferView<ArrayBuffer>, byteOffset = 0): void {
    this.flush(); // queue.writeBuffer would otherwise overtake kernels that are encoded but not submitted
    const { buffer, offset } = storage.resolve();
    this.gpu.queue.writeBuffer(buffer, offset + byteOffset, bytes);
  }

  /** Submits what is queued. */
  flush(): void {
    this.#pass?.end();
    this.#pass = null;
    if (!this.#commands) return;
    const commands = this.#commands.finish();
    this.#commands = null;
    this.#queued = 0;
    this.gpu.queue.submit([commands]);
  }

  /** Reads a tensor back. The copy is queued at once, so that later writes don't show. */
  async read(tensor: Tensor): Promise<Data> {
    if (this.recording)
      throw new TensorError(
        "data",
        "a captured function can't read back: return the tensor and read it after a replay",
      );
    const bytes = await this.readBytes(tensor.storage);
    return fromBytes(tensor.dtype, bytes, tensor.size);
  }

  /** Reads a storage's bytes back; the copy is queued at once. */
  async readBytes(storage: Storage): Promise<ArrayBuffer> {
    this.#open("data");
    const { size } = storage.resolve();
    const staging = this.pool.acquireStaging(size);
    this.copyRange(storage.resolve(), { buffer: staging, offset: 0 }, size);
    this.flush();
    this.check();
    await staging.mapAsync(GPUMapMode.READ, 0, size);
    const bytes = staging.getMappedRange(0, size).slice(0);
    staging.unmap();
    this.pool.releaseStaging(staging);
    this.check();
    return bytes;
  }

  /** Submits what is queued and waits until the device has done it. */
  async sync(): Promise<void> {
    this.flush();
    await this.gpu.queue.onSubmittedWorkDone();
    this.check();
  }

  /** Gives memory that waits to be used again back to the device. */
  trim(): void {
    this.flush(); // what is encoded may still use it
    this.pool.trim();
  }

  /** Throws the first error that the GPU has reported since it was opened. */
  check(): void {
    if (this.#error) throw this.#error;
  }

  /** Frees everything and lets the process end. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pass?.end();
    this.#pass = null;
    this.#commands = null;
    this.pool.trim();
    this.encoder.destroy();
    this.gpu.destroy();
    // Dawn crashes if its root object is collected while it still has the loss of the device to report.
    void this.gpu.lost.then(() => setTimeout(this.#opened.release));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Throws a TensorError after `close()`. */
  #open(op: string): void {
    if (this.#closed) throw new TensorError(op, "the device was closed");
  }

  #openCommands(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    return (this.#commands ??= this.gpu.createCommandEncoder());
  }

  #openPass(): GPUComputePassEncoder {
    this.#commands ??= this.gpu.createCommandEncoder();
    return (this.#pass ??= this.#commands.beginComputePass());
  }
}

function liveStorage(plan: KernelPlan, name: string, tensor: Tensor): Storage {
  if (tensor.disposed) throw new TensorError(plan.name, `operand ${name} was disposed of`);
  return tensor.storage;
}
