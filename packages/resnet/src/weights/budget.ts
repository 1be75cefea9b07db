import { WeightsError } from "./errors.ts";

/** Small files may still be compressed well, or hold a few half floats. */
const ALLOWANCE_BYTES = 16 * 2 ** 20;
/** uint8 becomes int64, the largest growth that an honest file needs. */
const GROWTH = 8;

/**
 * What reading a file may allocate beyond the file itself. Storages are used in place; only conversions, gathered strides and
 * inflated members take memory, and a small file that describes much of that is an attack (zip bomb, stride 0 over 10^12 elements).
 */
export class Budget {
  readonly limit: number;
  #spent = 0;

  constructor(fileBytes: number) {
    this.limit = ALLOWANCE_BYTES + GROWTH * fileBytes;
  }

  /** To be called before every allocation whose size the file decides. */
  spend(bytes: number, what: string): void {
    this.#spent += bytes;
    if (!(this.#spent <= this.limit))
      throw new WeightsError(
        "limit",
        `${what} would take the memory for this file to ${this.#spent} bytes, more than its size justifies (${this.limit})`,
      );
  }
}
