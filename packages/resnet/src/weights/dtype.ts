import type { nn, Shape } from "@fracture/tensor";
import type { Budget } from "./budget.ts";
import { WeightsError } from "./errors.ts";

/** What published files store. Floats are read as f32, everything else as i64. */
export const ELEMENT_BYTES = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
} as const;

export type StoredType = keyof typeof ELEMENT_BYTES;

/** Of a tensor in a file. Convolutions have 4; a low limit keeps what a hostile file can describe small. */
export const MAX_DIMENSIONS = 8;

/** Number of elements, for shapes that a file claims: Infinity at worst, never wrapped around. */
export const countOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/**
 * Packed little-endian elements -> an entry of a state dict. float32 and int64 are views of `bytes` where the alignment allows;
 * what is allocated is charged to `budget`.
 */
export function toEntry(
  type: StoredType,
  shape: Shape,
  bytes: Uint8Array<ArrayBuffer>,
  budget: Budget,
  name: string,
): nn.StateEntry {
  const count = bytes.length / ELEMENT_BYTES[type];
  if (count !== countOf(shape))
    throw new WeightsError(
      "corrupt",
      `${name}: [${shape.join(",")}] needs other than ${bytes.length} bytes of ${type}`,
    );
  const isFloat = type === "float64" || type === "float32" || type === "float16" || type === "bfloat16";
  if (type !== "float32" && type !== "int64") budget.spend(count * (isFloat ? 4 : 8), name);
  const source = aligned(bytes, ELEMENT_BYTES[type], budget, name);
  const at = [source.buffer, source.byteOffset, count] as const;
  switch (type) {
    case "float32":
      return { dtype: "f32", shape, data: new Float32Array(...at) };
    case "float64":
      return { dtype: "f32", shape, data: new Float32Array(new Float64Array(...at)) };
    case "float16":
      return { dtype: "f32", shape, data: fromFloat16(new Uint16Array(...at)) };
    case "bfloat16":
      return { dtype: "f32", shape, data: fromBfloat16(new Uint16Array(...at)) };
    case "int64":
      return { dtype: "i64", shape, data: new BigInt64Array(...at) };
    case "int32":
      return { dtype: "i64", shape, data: BigInt64Array.from(new Int32Array(...at), BigInt) };
    case "int16":
      return { dtype: "i64", shape, data: BigInt64Array.from(new Int16Array(...at), BigInt) };
    case "int8":
      return { dtype: "i64", shape, data: BigInt64Array.from(new Int8Array(...at), BigInt) };
    case "uint8":
      return { dtype: "i64", shape, data: BigInt64Array.from(new Uint8Array(...at), BigInt) };
    case "bool":
      return { dtype: "i64", shape, data: BigInt64Array.from(new Uint8Array(...at), (b) => (b === 0 ? 0n : 1n)) };
  }
}

/** The same bytes where a typed array can lie over them: copied only if they start at an odd address. */
export function aligned(
  bytes: Uint8Array<ArrayBuffer>,
  to: number,
  budget: Budget,
  name: string,
): Uint8Array<ArrayBuffer> {
  if (bytes.byteOffset % to === 0) return bytes;
  budget.spend(bytes.length, name);
  return Uint8Array.from(bytes);
}

/** IEEE 754 binary16 -> binary32, exactly, through the bits: an integer loop is several times faster than arithmetic on halves. */
function fromFloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const h = halves[i]!;
    const sign = (h & 0x8000) << 16;
    const magnitude = h & 0x7fff;
    if (magnitude >= 0x7c00) bits[i] = sign | 0x7f800000 | ((magnitude & 0x3ff) << 13);
    else if (magnitude >= 0x400) bits[i] = sign | ((magnitude << 13) + 0x38000000);
    else if (magnitude === 0) bits[i] = sign;
    else {
      // Subnormal, m · 2^-24: the leading one moves up into the hidden bit.
      const shift = Math.clz32(magnitude) - 21;
      bits[i] = sign | ((113 - shift) << 23) | (((magnitude << shift) & 0x3ff) << 13);
    }
  }
  return new Float32Array(bits.buffer);
}

/** bfloat16 is the upper half of binary32. */
function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
