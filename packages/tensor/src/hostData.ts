import { f16ToF32, f32ToF16, type DType } from "@fracture/kernels";
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
