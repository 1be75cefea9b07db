import type { DeviceLimits } from "@fracture/kernels";
import type { Device } from "../device.ts";
import { Storage } from "../storage.ts";
import type { Tensor } from "../tensor.ts";

/** Binding offsets are multiples of WebGPU's default `minStorageBufferOffsetAlignment`. */
const ALIGNMENT_BYTES = 256;

/** One parameter's place in an arena, in elements. */
export interface Segment {
  readonly parameter: Tensor;
  readonly group: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Parameters of one optimiser gathered into one buffer, their gradients and moments into others of the same layout, so
 * that one kernel updates them all. The tensors keep their identity: their storage becomes a range of the buffer. The
 * gaps between ranges hold zeros, of which every update makes zeros.
 */
export class Arena {
  readonly segments: readonly Segment[];
  readonly limits: DeviceLimits;
  /** Elements, gaps included. */
  readonly count: number;
  readonly parameters: Storage;
  readonly gradients: Storage;
  /** Moments, zero at first. */
  readonly moments: readonly Storage[];

  private constructor(device: Device, segments: readonly Segment[], count: number, moments: number) {
    this.limits = device.limits;
    this.segments = segments;
    this.count = count;
    const zeros = new Uint8Array(count * 4);
    const allocate = (): Storage => {
      const storage = device.allocatePersistent(count * 4);
      device.writeBytes(storage, zeros);
      return storage;
    };
    this.parameters = allocate();
    this.gradients = allocate();
    this.moments = Array.from({ length: moments }, allocate);
    for (const { parameter, start } of segments) {
      const home = rangeOf(this.parameters, start, parameter);
      device.copy(parameter.storage, home);
      parameter.storage.retire();
      parameter.storage = home;
      parameter.grad?.dispose();
      parameter.grad = null;
      parameter.gradTarget = rangeOf(this.gradients, start, parameter);
    }
  }

  /** As few arenas as the device's largest binding permits. */
  static gather(device: Device, groups: readonly (readonly Tensor[])[], moments: number): Arena[] {
    const most = Math.floor(Math.min(device.limits.maxStorageBindingBytes, device.gpu.limits.maxBufferSize) / 4);
    const arenas: Arena[] = [];
    let segments: Segment[] = [];
    let count = 0;
    const close = (): void => {
      if (segments.length > 0) arenas.push(new Arena(device, segments, count, moments));
      [segments, count] = [[], 0];
    };
    groups.forEach((parameters, group) => {
      for (const parameter of parameters) {
        const padded = Math.ceil((parameter.size * 4) / ALIGNMENT_BYTES) * (ALIGNMENT_BYTES / 4);
        if (count + padded > most) close();
        segments.push({ parameter, group, start: count, end: count + parameter.size });
        count += padded;
      }
    });
    close();
    return arenas;
  }

  /** The groups' parts of the buffers, gaps included, as the kernels take them. */
  get groupSegments(): { end: number; group: number }[] {
    return this.segments.map(({ group }, i) => ({ end: this.segments[i + 1]?.start ?? this.count, group }));
  }

  /** A moment's values of one parameter. */
  momentOf(moment: number, segment: Segment): Storage {
    return rangeOf(this.moments[moment]!, segment.start, segment.parameter);
  }

  /** Gives the parameters that are still in use memory of their own again, with their values, and frees the rest. */
  release(device: Device): void {
    for (const { parameter } of this.segments) {
      parameter.gradTarget?.release();
      parameter.gradTarget = null;
      parameter.grad?.dispose();
      parameter.grad = null;
      if (parameter.disposed) continue;
      const own = device.allocatePersistent(parameter.bytes);
      device.copy(parameter.storage, own);
      parameter.storage.retire();
      parameter.storage = own;
    }
    for (const storage of [this.parameters, this.gradients, ...this.moments]) storage.release();
  }
}

/** A range of a larger storage, which it keeps alive. */
function rangeOf(whole: Storage, start: number, { bytes }: Tensor): Storage {
  const { buffer, offset } = whole.retain().resolve();
  return new Storage(bytes, { buffer, offset: offset + start * 4, size: bytes }, () => whole.release());
}
