import { CaptureError } from "./errors.ts";

/**
 * The memory of one or more tensors: a reference-counted range of a device buffer. While a function is captured its
 * intermediates have no buffer yet (`binding` is null); the program gives them one.
 */
export class Storage {
  readonly bytes: number;
  binding: GPUBufferBinding | null;
  #references = 1;
  #moved = false;
  #free: () => void;

  constructor(bytes: number, binding: GPUBufferBinding | null, free: () => void = () => {}) {
    this.bytes = bytes;
    this.binding = binding;
    this.#free = free;
  }

  /** False once it was given back, or its tensor has moved to another storage: what was captured with it is void. */
  get current(): boolean {
    return this.#references > 0 && !this.#moved;
  }

  /** Given back by a tensor that goes on with another storage. */
  retire(): void {
    this.#moved = true;
    this.release();
  }

  retain(): this {
    this.#references += 1;
    return this;
  }

  release(): void {
    this.#references -= 1;
    if (this.#references === 0) this.#free();
  }

  /** Sets what happens when the last reference goes. */
  onFree(free: () => void): void {
    this.#free = free;
  }

  /** The buffer range, for binding or copying. */
  resolve(): { buffer: GPUBuffer; offset: number; size: number } {
    if (!this.binding)
      throw new CaptureError(
        "this tensor existed only inside capture(): return it from the captured function to keep it",
      );
    return { buffer: this.binding.buffer, offset: this.binding.offset ?? 0, size: Math.ceil(this.bytes / 4) * 4 };
  }
}
