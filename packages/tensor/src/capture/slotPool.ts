import type { Device } from "../device.ts";
import { CaptureError } from "../errors.ts";

/**
 * Slot buffers that several programs share. They must not depend on each other's intermediates: only one program's
 * contents are valid at a time (training and evaluation, a full batch and the last one). Bind groups keep the buffers
 * that they were made with, so a buffer is never replaced; capture the largest program first.
 */
export class SlotPool {
  readonly #device: Device;
  readonly #buffers: GPUBuffer[] = [];
  #disposed = false;

  constructor(device: Device) {
    this.#device = device;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Bytes of all buffers. */
  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** One buffer for each wanted size: the largest wish gets the largest buffer, and a new one is made where none is large enough. */
  fit(sizes: readonly number[]): GPUBuffer[] {
    if (this.#disposed) throw new CaptureError("these slots were disposed of");
    const free = this.#buffers.toSorted((a, b) => b.size - a.size);
    const result: GPUBuffer[] = [];
    const order = sizes.map((bytes, index) => ({ bytes, index })).toSorted((a, b) => b.bytes - a.bytes);
    for (const { bytes, index } of order) {
      const found =
        free[0] && free[0].size >= bytes
          ? free.shift()!
          : this.#device.pool.acquire(bytes, `slot ${this.#buffers.length}`);
      if (!this.#buffers.includes(found)) this.#buffers.push(found);
      result[index] = found;
    }
    return result;
  }

  /** Gives the buffers back. Programs that use them can't be replayed any more. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#buffers) this.#device.pool.release(buffer);
    this.#buffers.length = 0;
  }
}
