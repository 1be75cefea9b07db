import { f16ToF32, f32ToF16 } from "../half.ts";
import type { Tolerance } from "./close.ts";

/** Half a unit in the last place of f16: what rounding to it changes at most. Subnormal halves are multiples of 2^-24. */
export const HALF_ROUNDING: Tolerance = { rtol: 2 ** -11, atol: 2 ** -25 };

/** Numbers rounded to f16: their bits, for a device, and their values, for a reference. */
export interface Halves {
  readonly bits: Uint16Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
}

export function toHalves(numbers: ArrayLike<number>): Halves {
  const bits = Uint16Array.from(numbers, f32ToF16);
  return { bits, values: Float32Array.from(bits, f16ToF32) };
}

/** The f16 values of a result that `runPlan` read back as words. */
export const halvesOf = (words: Float32Array<ArrayBuffer>, count: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(new Uint16Array(words.buffer, words.byteOffset, count), f16ToF32);
