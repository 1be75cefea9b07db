import { WeightsError } from "./errors.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads little-endian values one after the other; reading past the end is a "truncated" error that names the place. */
export class Cursor {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What is read, for error messages. */
  readonly title: string;
  at: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array<ArrayBuffer>, title: string, at = 0) {
    this.bytes = bytes;
    this.title = title;
    this.at = at;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** Big-endian, as pickle's BINFLOAT. */
  f64BigEndian(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** A 64-bit length or offset; anything above 2^53 is beyond every file and becomes an error. */
  size64(): number {
    const value = this.#view.getBigUint64(this.#advance(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new WeightsError("corrupt", `${this.title}: a size of ${value} at byte ${this.at - 8}`);
    return Number(value);
  }

  /** A view of the next bytes, no copy. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const from = this.#advance(count);
    return this.bytes.subarray(from, from + count);
  }

  /** The text up to a newline, without it. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.#truncated("a line should end");
    const text = decodeUtf8(this.bytes.subarray(this.at, end), this.title);
    this.at = end + 1;
    return text;
  }

  #advance(count: number): number {
    if (count > this.left) throw this.#truncated(`${count} more ${count === 1 ? "byte is" : "bytes are"} needed`);
    const from = this.at;
    this.at += count;
    return from;
  }

  #truncated(what: string): WeightsError {
    return new WeightsError(
      "truncated",
      `${this.title} ends too early: at byte ${this.at} of ${this.bytes.length} ${what}`,
    );
  }
}

export function decodeUtf8(bytes: Uint8Array, title: string): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new WeightsError("corrupt", `${title}: a name or text is not UTF-8`);
  }
}
