import { pictureWords, type Device, type PictureSizes, type Storage, type Tensor } from "@fracture/tensor";

/** A picture that the store can't take or does not have. */
export class PictureStoreError extends Error {
  override readonly name = "PictureStoreError";

  constructor(rule: string) {
    super(`picture store: ${rule}`);
  }
}

/** A buffer's size at the most. Buffers are copied from, never bound whole: any device can hold many of these. */
const CHUNK_BYTES = 2 ** 27;

export interface PictureStoreOptions extends PictureSizes {
  readonly device: Device;
  /** Pictures to make room for. */
  readonly count: number;
  /** Bytes of one buffer. Default: 128 MiB, or what the device can bind where that is less. */
  readonly chunkBytes?: number;
}

/**
 * 8-bit pictures of one size, held on the device: each is written once, and copied there into the batches that want it. They lie in as
 * many buffers as they need, so that the device's memory is the only limit.
 */
export class PictureStore implements PictureSizes {
  readonly device: Device;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [count] mean level from 0 to 1, of the luma of a picture in colour; NaN where no picture was written. */
  readonly #means: Float64Array;
  readonly #chunks: Storage[] = [];
  readonly #perChunk: number;
  /** A picture's bytes, filled up to a multiple of four. */
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(options: PictureStoreOptions) {
    const { device, count, height, width, channels } = options;
    const { chunkBytes = Math.min(CHUNK_BYTES, device.limits.maxStorageBindingBytes) } = options;
    this.device = device;
    this.count = count;
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.#means = new Float64Array(count).fill(NaN);
    this.#bytes = new Uint8Array(pictureWords(this) * 4);
    this.#perChunk = Math.max(1, Math.floor(chunkBytes / this.#bytes.length));
    for (let start = 0; start < count; start += this.#perChunk) {
      const held = Math.min(this.#perChunk, count - start);
      this.#chunks.push(device.allocatePersistent(held * this.#bytes.length));
    }
  }

  /** Bytes on the device. */
  get bytes(): number {
    return this.count * this.#bytes.length;
  }

  /** Puts a picture into its place: height x width x channels bytes, rows from the top, a pixel's channels side by side. */
  write(index: number, picture: Uint8Array): void {
    const { height, width, channels } = this;
    if (!(index >= 0 && index < this.count))
      throw new PictureStoreError(`it has no place ${index} (0 to ${this.count - 1})`);
    if (picture.length !== height * width * channels) {
      throw new PictureStoreError(
        `picture ${index} has ${picture.length} bytes; ${width} x ${height} pixels of ${channels} channels have ${height * width * channels}`,
      );
    }
    this.#means[index] = meanLevel(picture, channels);
    this.#bytes.set(picture);
    const { chunk, offset } = this.#place(index);
    this.device.writeBytes(chunk, this.#bytes, offset);
  }

  /** A picture's mean level, from 0 to 1. */
  meanOf(index: number): number {
    const mean = this.#means[index];
    if (mean === undefined || Number.isNaN(mean)) throw new PictureStoreError(`picture ${index} was never written`);
    return mean;
  }

  /** Queues copies of pictures to the rows of a batch: u32 [n, pictureWords]. */
  load(indices: readonly number[], batch: Tensor): void {
    const to = batch.storage.resolve();
    indices.forEach((index, row) => {
      this.meanOf(index);
      const { chunk, offset } = this.#place(index);
      const from = chunk.resolve();
      this.device.copyRange(
        { buffer: from.buffer, offset: from.offset + offset },
        { buffer: to.buffer, offset: to.offset + row * this.#bytes.length },
        this.#bytes.length,
      );
    });
  }

  dispose(): void {
    for (const chunk of this.#chunks.splice(0)) chunk.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #place(index: number): { chunk: Storage; offset: number } {
    const chunk = this.#chunks[Math.floor(index / this.#perChunk)];
    if (!chunk) throw new PictureStoreError("it was disposed of");
    return { chunk, offset: (index % this.#perChunk) * this.#bytes.length };
  }
}

/** torchvision's rgb_to_grayscale, from which adjust_contrast takes its mean. */
const LUMA = [0.2989, 0.587, 0.114] as const;

function meanLevel(picture: Uint8Array, channels: number): number {
  const sums = [0, 0, 0];
  for (let i = 0; i < picture.length; i++) sums[i % channels]! += picture[i]!;
  const pixels = picture.length / channels;
  const sum = channels === 1 ? sums[0]! : sums.reduce((total, value, c) => total + value * LUMA[c]!, 0);
  return sum / pixels / 255;
}
