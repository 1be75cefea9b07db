import type { Tensor } from "@fracture/tensor";
import { input, sizeOf, type Device, type DType, type Shape } from "@fracture/tensor";

/** What features are. */
export interface Features {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Features of every sample of a split, computed once where nothing can change them (a frozen prefix, no augmentation). */
export class FeatureCache {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly #device: Device;
  readonly #chunks: Tensor[] = [];
  readonly #perChunk: number;
  readonly #bytes: number;

  /** Of one sample's features: `shape` without the batch. A sample of f16 has an even number of elements: copies are of whole words. */
  constructor(device: Device, samples: number, { shape, dtype }: Features) {
    this.#device = device;
    this.shape = shape;
    this.dtype = dtype;
    this.#bytes = FeatureCache.bytesOf(1, { shape, dtype });
    this.#perChunk = Math.max(1, Math.floor(device.limits.maxStorageBindingBytes / this.#bytes));
    for (let start = 0; start < samples; start += this.#perChunk) {
      this.#chunks.push(input([Math.min(this.#perChunk, samples - start), ...shape], { device, dtype }));
    }
  }

  /** Bytes of one split's features. */
  static bytesOf(samples: number, { shape, dtype }: Features): number {
    return samples * sizeOf(shape) * (dtype === "f16" ? 2 : 4);
  }

  get bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  }

  /** Copies the rows of a batch into the samples' places. */
  store(features: Tensor, samples: readonly number[]): void {
    samples.forEach((sample, row) => {
      const { chunk, offset } = this.#place(sample);
      const from = features.storage.resolve();
      this.#device.copyRange(
        { buffer: from.buffer, offset: from.offset + row * this.#bytes },
        { buffer: chunk.buffer, offset },
        this.#bytes,
      );
    });
  }

  /** Writes the bytes of samples, row by row, into their places. */
  write(rows: Uint8Array, samples: readonly number[]): void {
    // What was recorded before comes before.
    this.#device.flush();
    samples.forEach((sample, row) => {
      const { chunk, offset } = this.#place(sample);
      // Not a view: what a file was read into need not begin at a multiple of four.
      const bytes = rows.slice(row * this.#bytes, (row + 1) * this.#bytes);
      this.#device.gpu.queue.writeBuffer(chunk.buffer, offset, bytes as Uint8Array<ArrayBuffer>);
    });
  }

  /** Copies samples into the rows of a batch. */
  load(samples: readonly number[], batch: Tensor): void {
    samples.forEach((sample, row) => {
      const { chunk, offset } = this.#place(sample);
      const to = batch.storage.resolve();
      this.#device.copyRange(
        { buffer: chunk.buffer, offset },
        { buffer: to.buffer, offset: to.offset + row * this.#bytes },
        this.#bytes,
      );
    });
  }

  /** Every sample's features, row by row, as f32. */
  async data(): Promise<Float32Array<ArrayBuffer>> {
    const all = new Float32Array(this.#chunks.reduce((sum, chunk) => sum + chunk.size, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      all.set(await chunk.data(), offset);
      offset += chunk.size;
    }
    return all;
  }

  dispose(): void {
    for (const chunk of this.#chunks) chunk.dispose();
  }

  #place(sample: number): { chunk: { buffer: GPUBuffer }; offset: number } {
    const chunk = this.#chunks[Math.floor(sample / this.#perChunk)]!.storage.resolve();
    return { chunk, offset: chunk.offset + (sample % this.#perChunk) * this.#bytes };
  }
}
