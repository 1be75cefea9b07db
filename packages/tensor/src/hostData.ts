import type { DType } from "@fracture/kernels";
import type { Data } from "./tensor.ts";

/** Host numbers -> the bytes of a dtype. */
export function toBytes(dtype: DType, values: ArrayLike<number>): ArrayBufferView<ArrayBuffer> {
  switch (dtype) {
    case "f32":
      return values instanceof Float32Array && values.buffer instanceof ArrayBuffer
        ? (values as Float32Array<ArrayBuffer>)
        : Float32Array.from(values);
    case "u32":
      return Uint32Array.from(values);
    case "i32":
      return Int32Array.from(values);
    case "f16":
      return Uint16Array.from({ length: Math.ceil(values.length / 2) * 2 }, (_, i) =>
        i < values.length ? f32ToF16(values[i]!) : 0,
      );
  }
}

/** The bytes of a dtype -> host numbers; f16 is widened to f32. */
export function fromBytes(dtype: DType, bytes: ArrayBuffer, count: number): Data {
  switch (dtype) {
    case "f32":
      return new Float32Array(bytes, 0, count);
    case "u32":
      return new Uint32Array(bytes, 0, count);
    case "i32":
      return new Int32Array(bytes, 0, count);
    case "f16":
      return Float32Array.from(new Uint16Array(bytes, 0, count), f16ToF32);
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary32 -> binary16, round to nearest even; overflow becomes infinity. */
export function f32ToF16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // A subnormal half is a multiple of 2^-24; the sum rounds to it.
    scratch.setFloat32(0, Math.abs(value) + 0.5);
    return sign | (scratch.getUint32(0) - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000;
  return sign | (rounded >>> 13);
}

/** IEEE 754 binary16 -> binary32, exact. */
export function f16ToF32(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
