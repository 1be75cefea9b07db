import type { Cursor } from "../cursor.ts";
import { WeightsError, shown } from "../errors.ts";

/** Of an integer; torch's magic number has 10. */
const MAX_INTEGER_BYTES = 256;

/** A pickle's integer on a line of text, Python 2's long ones with an L. */
export const readDecimal = (cursor: Cursor): number | bigint => parseDecimal(cursor.line(), cursor.title);

export function parseDecimal(text: string, title: string): number | bigint {
  if (!/^[+-]?\d{1,600}L?$/.test(text))
    throw new WeightsError("corrupt", `${title}: ${shown(text)} instead of an integer`);
  return narrowed(BigInt(text.replace("L", "").replace("+", "")));
}

/** A pickle's integer of `length` bytes, little-endian two's complement (LONG1 and LONG4). */
export function readInteger(cursor: Cursor, length: number): number | bigint {
  if (!(length >= 0 && length <= MAX_INTEGER_BYTES))
    throw new WeightsError("corrupt", `${cursor.title}: an integer of ${length} bytes at byte ${cursor.at}`);
  const hex = [...cursor.take(length)].reverse().map((byte) => byte.toString(16).padStart(2, "0"));
  return narrowed(length === 0 ? 0n : BigInt.asIntN(8 * length, BigInt(`0x${hex.join("")}`)));
}

const narrowed = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
