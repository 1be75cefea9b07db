import { encodeDispatch, type Dispatch, type KernelPlan } from "@fracture/kernels";
import type { Device } from "../device.ts";
import type { Storage } from "../storage.ts";
import type { Recording, Step } from "./recording.ts";
import type { SlotPool } from "./slotPool.ts";
import { planSlots } from "./slots.ts";

type Encoded =
  | { readonly kind: "dispatch"; readonly dispatch: Dispatch }
  | { readonly kind: "copy"; readonly from: Storage; readonly to: Storage };

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
  readonly #ownSlots: SlotPool | null;

  private constructor(device: Device, result: T, parts: Parts) {
    this.#device = device;
    this.result = result;
    this.kernels = parts.kernels;
    this.slotBytes = parts.slotBytes;
    this.unsharedBytes = parts.unsharedBytes;
    this.#encoded = parts.encoded;
    this.#beforeReplay = parts.beforeReplay;
    this.#ownSlots = parts.ownSlots;
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
    const { slots, slotOf, workspaceOf } = planSlots(steps, intermediate);
    const buffers = pool.fit(slots);
    const range = (storage: Storage): GPUBufferBinding => {
      const slot = slotOf.get(storage);
      return slot === undefined
        ? storage.resolve()
        : { buffer: buffers[slot]!, offset: 0, size: Math.ceil(storage.bytes / 4) * 4 };
    };
    const encoded = steps.flatMap((step, index): Encoded[] => {
      if (step.kind === "copy") return [{ kind: "copy", from: step.from, to: step.to }];
      const bind = (operand: string): GPUBufferBinding => {
        const scratch = workspaceOf[index]!.get(operand);
        return scratch === undefined ? range(step.operands.get(operand)!) : { buffer: buffers[scratch]! };
      };
      return device.encoder.dispatches(step.plan, bind).map((dispatch) => ({ kind: "dispatch", dispatch }));
    });
    // A copy's ends are looked up once: an intermediate gets its slot as its binding for good.
    for (const [storage, slot] of slotOf) storage.binding = { buffer: buffers[slot]!, offset: 0 };
    const workspaceBytes = kernels
      .flatMap((step) => Object.values(step.plan.workspace))
      .reduce((sum, bytes) => sum + bytes, 0);
    return new Program(device, result, {
      kernels: kernels.map(({ plan }) => ({ plan })),
      encoded,
      slotBytes: slots.reduce((sum, bytes) => sum + bytes, 0),
      unsharedBytes: [...slotOf.keys()].reduce((sum, { bytes }) => sum + bytes, workspaceBytes),
      beforeReplay: recording.beforeReplay,
      ownSlots: ownsPool ? pool : null,
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

  /** Queues the whole program once. */
  replay(): void {
    for (const prepare of this.#beforeReplay) prepare();
    this.#device.flush();
    const commands = this.#device.gpu.createCommandEncoder();
    let pass: GPUComputePassEncoder | null = null;
    for (const step of this.#encoded) {
      if (step.kind === "dispatch") {
        encodeDispatch((pass ??= commands.beginComputePass()), step.dispatch);
        continue;
      }
      pass?.end();
      pass = null;
      const from = step.from.resolve();
      const to = step.to.resolve();
      commands.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, Math.min(from.size, to.size));
    }
    pass?.end();
    this.#device.gpu.queue.submit([commands.finish()]);
  }

  /** Gives the memory of its own slots back. The tensors in `result`, and shared slots, stay their owners'. */
  dispose(): void {
    this.#ownSlots?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

interface Parts {
  readonly kernels: readonly ProgramKernel[];
  readonly encoded: readonly Encoded[];
  readonly slotBytes: number;
  readonly unsharedBytes: number;
  readonly beforeReplay: readonly (() => void)[];
  readonly ownSlots: SlotPool | null;
}
