import { encodeDispatch, type Dispatch, type KernelPlan } from "@fracture/kernels";
import type { Device } from "../device.ts";
import { CaptureError } from "../errors.ts";
import type { Storage } from "../storage.ts";
import type { Timestamps } from "../timestamps.ts";
import type { Recording, Step } from "./recording.ts";
import type { SlotPool } from "./slotPool.ts";
import { planSlots, type Place } from "./slots.ts";
import { usesOf } from "./passes/elideCopies.ts";

type Encoded =
  | { readonly kind: "dispatch"; readonly dispatch: Dispatch }
  | { readonly kind: "copy"; readonly from: Range; readonly to: Range; readonly bytes: number };

type Range = { readonly buffer: GPUBuffer; readonly offset: number };

/** One kernel of a program, as `bench step --explain` and tests see it. */
export interface ProgramKernel {
  readonly plan: KernelPlan;
}

/**
 * A captured function: its kernels with their buffers, ready to be run again. Replaying creates no buffer, bind group
 * or pipeline and reads nothing back. `result` is what the function returned; its tensors hold the values of the
 * latest replay.
 */
export class Program<T> {
  readonly result: T;
  readonly kernels: readonly ProgramKernel[];
  /** Bytes of all intermediates and workspaces, after slots are shared. */
  readonly slotBytes: number;
  /** What they would take with a buffer each. */
  readonly unsharedBytes: number;
  readonly #device: Device;
  readonly #encoded: readonly Encoded[];
  readonly #beforeReplay: readonly (() => void)[];
  readonly #slots: SlotPool;
  readonly #ownsSlots: boolean;
  /** What the program reads and writes beside its slots: replaced or given back, it must not be replayed. */
  readonly #external: readonly Storage[];
  #disposed = false;

  private constructor(device: Device, result: T, parts: Parts) {
    this.#device = device;
    this.result = result;
    this.kernels = parts.kernels;
    this.slotBytes = parts.slotBytes;
    this.unsharedBytes = parts.unsharedBytes;
    this.#encoded = parts.encoded;
    this.#beforeReplay = parts.beforeReplay;
    this.#slots = parts.slots;
    this.#ownsSlots = parts.ownsSlots;
    this.#external = parts.external;
  }

  /** Compiles every pipeline concurrently, places the intermediates and makes the bind groups. */
  static async build<T>(
    device: Device,
    result: T,
    steps: readonly Step[],
    recording: Recording,
    pool: SlotPool,
    ownsPool: boolean,
  ): Promise<Program<T>> {
    const kernels = steps.filter((step) => step.kind === "kernel");
    await device.encoder.prepare(kernels.map((step) => step.plan));
    const intermediate = (storage: Storage): boolean => recording.owns(storage) && storage.binding === null;
    const { slots, placeOf, workspaceOf } = planSlots(steps, intermediate);
    const buffers = pool.fit(slots);
    const within = ({ slot, offset }: Place, bytes: number): Range & { size: number } => ({
      buffer: buffers[slot]!,
      offset,
      size: Math.ceil(bytes / 4) * 4,
    });
    const range = (storage: Storage): Range & { size: number } => {
      const place = placeOf.get(storage);
      return place === undefined ? storage.resolve() : within(place, storage.bytes);
    };
    const encoded = steps.flatMap((step, index): Encoded[] => {
      if (step.kind === "copy") {
        const [from, to] = [range(step.from), range(step.to)];
        return [{ kind: "copy", from, to, bytes: Math.min(from.size, to.size) }];
      }
      const bind = (operand: string): GPUBufferBinding => {
        const scratch = workspaceOf[index]!.get(operand);
        return scratch === undefined
          ? range(step.operands.get(operand)!)
          : within(scratch, step.plan.workspace[operand]!);
      };
      return device.encoder.dispatches(step.plan, bind).map((dispatch) => ({ kind: "dispatch", dispatch }));
    });
    const workspaceBytes = kernels
      .flatMap((step) => Object.values(step.plan.workspace))
      .reduce((sum, bytes) => sum + bytes, 0);
    return new Program(device, result, {
      kernels: kernels.map(({ plan }) => ({ plan })),
      encoded,
      slotBytes: slots.reduce((sum, bytes) => sum + bytes, 0),
      unsharedBytes: [...placeOf.keys()].reduce((sum, { bytes }) => sum + bytes, workspaceBytes),
      beforeReplay: recording.beforeReplay,
      slots: pool,
      ownsSlots: ownsPool,
      external: [...usesOf(steps).keys()].filter((storage) => !placeOf.has(storage)),
    });
  }

  /** Floating-point operations of one replay. */
  get flop(): number {
    return this.kernels.reduce((sum, { plan }) => sum + plan.flop, 0);
  }

  /** Dispatches of one replay. */
  get dispatches(): number {
    return this.#encoded.filter(({ kind }) => kind === "dispatch").length;
  }

  /** Copies of one replay that no kernel's direct writing could spare. */
  get copies(): number {
    return this.#encoded.length - this.dispatches;
  }

  /**
   * Queues the whole program once; with `stamps`, the device's times of its beginning and its end go to the places `at` and
   * `at` + 1. Throws a CaptureError where that would touch memory that is another's by now: after
   * `dispose()`, or once a tensor that the program uses was disposed of or moved (into an optimiser, or out of it).
   */
  replay(stamps: { readonly timestamps: Timestamps; readonly at: number } | null = null): void {
    const commands = this.#begin();
    stamps?.timestamps.stamp(commands, stamps.at);
    let pass: GPUComputePassEncoder | null = null;
    for (const step of this.#encoded) {
      if (step.kind === "dispatch") {
        encodeDispatch((pass ??= commands.beginComputePass()), step.dispatch);
        continue;
      }
      pass?.end();
      pass = null;
      encodeCopy(commands, step);
    }
    pass?.end();
    stamps?.timestamps.stamp(commands, stamps.at + 1);
    this.#device.gpu.queue.submit([commands.finish()]);
  }

  /**
   * A replay whose n-th dispatch, in the order of `kernels` and their passes, has a pass of its own: the times of its beginning and
   * its end go to the places 2 n and 2 n + 1. Slower than `replay()` by what so many passes cost.
   */
  replayEach(timestamps: Timestamps): void {
    const commands = this.#begin();
    let place = 0;
    for (const step of this.#encoded) {
      if (step.kind === "copy") {
        encodeCopy(commands, step);
        continue;
      }
      const pass = commands.beginComputePass({ timestampWrites: timestamps.around(place) });
      encodeDispatch(pass, step.dispatch);
      pass.end();
      place += 2;
    }
    this.#device.gpu.queue.submit([commands.finish()]);
  }

  /** Gives the memory of its own slots back. The tensors in `result`, and shared slots, stay their owners'. */
  dispose(): void {
    if (!this.#disposed && this.#ownsSlots) this.#slots.dispose();
    this.#disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Checks that the program may run, and does what its kernels need of the host. */
  #begin(): GPUCommandEncoder {
    if (this.#disposed || this.#slots.disposed) throw new CaptureError("replay: the program was disposed of");
    if (this.#device.recording) throw new CaptureError("replay: a program can't be part of another");
    if (!this.#external.every(({ current }) => current))
      throw new CaptureError(
        "replay: a tensor that the program uses was disposed of, or moved by an optimiser that was made or disposed of " +
          "after the capture: capture again",
      );
    for (const prepare of this.#beforeReplay) prepare();
    this.#device.flush();
    return this.#device.gpu.createCommandEncoder();
  }
}

function encodeCopy(commands: GPUCommandEncoder, { from, to, bytes }: Encoded & { kind: "copy" }): void {
  commands.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
}

interface Parts {
  readonly kernels: readonly ProgramKernel[];
  readonly encoded: readonly Encoded[];
  readonly slotBytes: number;
  readonly unsharedBytes: number;
  readonly beforeReplay: readonly (() => void)[];
  readonly slots: SlotPool;
  readonly ownsSlots: boolean;
  readonly external: readonly Storage[];
}
