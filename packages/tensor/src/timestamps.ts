import type { Device } from "./device.ts";
import { TensorError } from "./errors.ts";

/** Most queries of one set (WebGPU's limit). Even, so that the two of a pass never lie in different sets. */
const QUERIES_PER_SET = 4096;

/**
 * Times by the device's own clock, written while it works: `count` of them, in places that are named when work is encoded.
 * Throws a TensorError on a device without the feature `timestamp-query`.
 */
export class Timestamps {
  readonly count: number;
  readonly #device: Device;
  readonly #sets: GPUQuerySet[];
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  constructor(device: Device, count: number) {
    if (!Timestamps.supportedBy(device))
      throw new TensorError("timestamps", `${device.info.device} can't time its work: it has no timestamp-query`);
    this.count = count;
    this.#device = device;
    const sets = Math.ceil(count / QUERIES_PER_SET);
    this.#sets = Array.from({ length: sets }, (_, set) =>
      device.gpu.createQuerySet({
        type: "timestamp",
        count: Math.min(QUERIES_PER_SET, count - set * QUERIES_PER_SET),
      }),
    );
    const size = count * BYTES_PER_QUERY;
    this.#resolved = device.gpu.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#staging = device.gpu.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  }

  static supportedBy(device: Device): boolean {
    return device.gpu.features.has("timestamp-query");
  }

  /** For a pass whose beginning goes to place `at`, which must be even, and its end to the one after. */
  around(at: number): GPUComputePassTimestampWrites {
    const [querySet, index] = this.#place(at);
    return { querySet, beginningOfPassWriteIndex: index, endOfPassWriteIndex: index + 1 };
  }

  /** Stamps place `at` once everything encoded before is done: by a pass that does nothing. */
  stamp(commands: GPUCommandEncoder, at: number): void {
    const [querySet, endOfPassWriteIndex] = this.#place(at);
    commands.beginComputePass({ timestampWrites: { querySet, endOfPassWriteIndex } }).end();
  }

  /** All times in milliseconds since the first place's. Waits for the work that writes them; every place must have been written. */
  async read(): Promise<Float64Array> {
    const { gpu } = this.#device;
    this.#device.flush();
    const commands = gpu.createCommandEncoder();
    for (const [set, querySet] of this.#sets.entries())
      commands.resolveQuerySet(querySet, 0, querySet.count, this.#resolved, set * QUERIES_PER_SET * BYTES_PER_QUERY);
    commands.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, this.#staging.size);
    gpu.queue.submit([commands.finish()]);
    await this.#staging.mapAsync(GPUMapMode.READ);
    const nanoseconds = new BigUint64Array(this.#staging.getMappedRange());
    const first = nanoseconds[0]!;
    // Differences first: the device's clock may count from 1970, which a double holds to 256 ns only.
    const times = Float64Array.from(nanoseconds, (time) => Number(time - first) / 1e6);
    this.#staging.unmap();
    this.#device.check();
    return times;
  }

  dispose(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #place(at: number): [GPUQuerySet, number] {
    const set = this.#sets[Math.floor(at / QUERIES_PER_SET)];
    if (!set || at < 0 || at >= this.count)
      throw new TensorError("timestamps", `there is no place ${at} (0 to ${this.count - 1})`);
    return [set, at % QUERIES_PER_SET];
  }
}

const BYTES_PER_QUERY = 8;
