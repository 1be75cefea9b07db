import { f16ToF32, f32ToF16, type ActivationType } from "@fracture/kernels";

/** Numbers as a device's buffer holds them; halves are filled up to a multiple of four bytes. */
export function toStored(
  dtype: ActivationType,
  values: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  if (dtype === "f32") return values;
  const halves = new Uint16Array(Math.ceil(values.length / 2) * 2);
  for (const [i, value] of values.entries()) halves[i] = f32ToF16(value);
  return halves;
}

/** The first `count` numbers that a buffer holds. */
export const fromStored = (dtype: ActivationType, bytes: ArrayBuffer, count: number): Float32Array =>
  dtype === "f32" ? new Float32Array(bytes, 0, count) : Float32Array.from(new Uint16Array(bytes, 0, count), f16ToF32);
