/** Counts of device buffers: a test holds `live` and `created` flat over training steps. */
export interface MemoryCounts {
  /** Buffers ever created. */
  created: number;
  /** Buffers that hold a tensor or a workspace now. */
  live: number;
  liveBytes: number;
  /** Buffers waiting to be used again. */
  idle: number;
  idleBytes: number;
}

// The values of GPUBufferUsage, which Node lacks as a global until a device is opened.
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const STORAGE = 0x80;

/**
 * Storage buffers, reused by size. A released buffer may be handed out at once, while work that reads it is still
 * queued: the queue runs in order.
 */
export class BufferPool {
  readonly counts: MemoryCounts = { created: 0, live: 0, liveBytes: 0, idle: 0, idleBytes: 0 };
  readonly #device: GPUDevice;
  readonly #idle = new Map<number, GPUBuffer[]>();
  readonly #staging = new Map<number, GPUBuffer[]>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A buffer of at least `bytes`, its contents undefined. */
  acquire(bytes: number, label: string): GPUBuffer {
    const size = roundSize(bytes);
    const found = this.#idle.get(size)?.pop();
    if (found) {
      this.counts.idle -= 1;
      this.counts.idleBytes -= size;
    } else {
      this.counts.created += 1;
    }
    this.counts.live += 1;
    this.counts.liveBytes += size;
    return found ?? this.#device.createBuffer({ label, size, usage: STORAGE | COPY_SRC | COPY_DST });
  }

  release(buffer: GPUBuffer): void {
    this.counts.live -= 1;
    this.counts.liveBytes -= buffer.size;
    this.counts.idle += 1;
    this.counts.idleBytes += buffer.size;
    push(this.#idle, buffer);
  }

  /** A buffer to map for reading, of at least `bytes`. */
  acquireStaging(bytes: number): GPUBuffer {
    const size = roundSize(bytes);
    const found = this.#staging.get(size)?.pop();
    if (!found) this.counts.created += 1;
    return found ?? this.#device.createBuffer({ label: "staging", size, usage: MAP_READ | COPY_DST });
  }

  releaseStaging(buffer: GPUBuffer): void {
    push(this.#staging, buffer);
  }

  /** Gives the memory of idle buffers back to the device. No command that is not submitted yet may use them: see Device.trim. */
  trim(): void {
    for (const map of [this.#idle, this.#staging]) {
      for (const buffers of map.values()) for (const buffer of buffers) buffer.destroy();
      map.clear();
    }
    this.counts.idle = 0;
    this.counts.idleBytes = 0;
  }
}

function push(map: Map<number, GPUBuffer[]>, buffer: GPUBuffer): void {
  const list = map.get(buffer.size);
  if (list) list.push(buffer);
  else map.set(buffer.size, [buffer]);
}

/** Sizes in steps of an eighth of a power of two, so that near sizes share buffers and at most 12.5% is lost. */
function roundSize(bytes: number): number {
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(Math.max(bytes, 1))) - 3));
  return Math.ceil(Math.max(bytes, 1) / step) * step;
}
