import { BYTES_PER_ELEMENT, type DeviceLimits } from "@fracture/kernels";
import type { Device } from "../device.ts";
import { Storage } from "../storage.ts";
import type { Tensor } from "../tensor.ts";

/** Binding offsets are multiples of WebGPU's default `minStorageBufferOffsetAlignment`. */
const ALIGNMENT_BYTES = 256;

/** What an optimiser keeps beside parameters and gradients. */
export interface ArenaOptions {
  /** How many moments. */
  readonly moments: number;
  /** f16 copies of the parameters. */
  readonly half: boolean;
}

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
  /** f16 copies of the parameters, which updates write too. */
  readonly half: Storage | null;

  private constructor(device: Device, segments: readonly Segment[], count: number, { moments, half }: ArenaOptions) {
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
    this.half = half ? device.allocatePersistent(count * BYTES_PER_ELEMENT.f16) : null;
    for (const { parameter, start } of segments) {
      const home = rangeOf(this.parameters, start, parameter.size);
      device.copy(parameter.storage, home);
      parameter.storage.retire();
      parameter.storage = home;
      parameter.grad?.dispose();
      parameter.grad = null;
      parameter.gradTarget = rangeOf(this.gradients, start, parameter.size);
      if (this.half) parameter.keepHalf(rangeOf(this.half, start, parameter.size, "f16"));
    }
  }

  /** As few arenas as the device's largest binding permits. */
  static gather(device: Device, groups: readonly (readonly Tensor[])[], options: ArenaOptions): Arena[] {
    // Elements between two places where the smallest of the element types may begin.
    const unit = ALIGNMENT_BYTES / BYTES_PER_ELEMENT[options.half ? "f16" : "f32"];
    const most = Math.floor(Math.min(device.limits.maxStorageBindingBytes, device.gpu.limits.maxBufferSize) / 4);
    const arenas: Arena[] = [];
    let segments: Segment[] = [];
    let count = 0;
    const close = (): void => {
      if (segments.length > 0) arenas.push(new Arena(device, segments, count, options));
      [segments, count] = [[], 0];
    };
    groups.forEach((parameters, group) => {
      for (const parameter of parameters) {
        const padded = Math.ceil(parameter.size / unit) * unit;
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
    return rangeOf(this.moments[moment]!, segment.start, segment.parameter.size);
  }

  /** Gives the parameters that are still in use memory of their own again, with their values, and frees the rest. */
  release(device: Device): void {
    for (const { parameter } of this.segments) {
      parameter.gradTarget?.release();
      parameter.gradTarget = null;
      parameter.grad?.dispose();
      parameter.grad = null;
      if (this.half) {
        parameter.half?.dispose();
        parameter.half = null;
      }
      if (parameter.disposed) continue;
      const own = device.allocatePersistent(parameter.bytes);
      device.copy(parameter.storage, own);
      parameter.storage.retire();
      parameter.storage = own;
    }
    for (const storage of [this.parameters, this.gradients, ...this.moments]) storage.release();
    this.half?.release();
  }
}

/** `count` elements of a larger storage, which they keep alive. */
function rangeOf(whole: Storage, start: number, count: number, dtype: "f32" | "f16" = "f32"): Storage {
  const { buffer, offset } = whole.retain().resolve();
  const size = BYTES_PER_ELEMENT[dtype];
  const binding = { buffer, offset: offset + start * size, size: Math.ceil((count * size) / 4) * 4 };
  return new Storage(count * size, binding, () => whole.release());
}
