import { f32ToF16, type nn } from "@fracture/tensor";
import { countOf } from "../dtype.ts";
import { WeightsError, shown } from "../errors.ts";

/** How floats are stored: as they are, or in half the space, rounded to 11 bits (about 3 decimal digits). */
export type FloatStorage = "f32" | "f16";

/** An entry as it is stored. */
interface Stored {
  readonly name: string;
  readonly dtype: "F32" | "F16" | "I64";
  readonly shape: nn.StateEntry["shape"];
  readonly data: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
}

/**
 * A state dict as a safetensors file, in pieces: the header, then views of each entry's elements, so that f32 is not
 * copied; for a writer that takes pieces. The same content gives the same bytes.
 *
 * The header lists the tensors in the state dict's order and metadata by name. Int64 comes before floats in the data, as in
 * the reference implementation, so that every tensor is aligned to its element size when the file is mapped into memory.
 *
 * @throws WeightsError ("content") for an entry whose elements don't match its shape, a name that the format can't hold, or a
 *   number that f16 can't.
 */
export function safetensorsPieces(
  state: nn.StateDict,
  metadata: Readonly<Record<string, string>> = {},
  { floats = "f32" }: { readonly floats?: FloatStorage } = {},
): Uint8Array<ArrayBuffer>[] {
  const stored = [...state].map(([name, entry]) => storedEntry(name, entry, floats));
  const entries = stored.toSorted((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const offsets = new Map<string, number>();
  let at = 0;
  for (const { name, shape, data } of entries) {
    if (data.length !== countOf(shape))
      throw new WeightsError("content", `tensor ${shown(name)} [${shape.join(",")}] has ${data.length} elements`);
    offsets.set(name, at);
    at += data.byteLength;
  }
  const fields = stored.map(({ name, dtype, shape, data }) => {
    if (name === "__metadata__")
      throw new WeightsError("content", "no tensor may be called __metadata__ in safetensors");
    const begin = offsets.get(name)!;
    const value = { dtype, shape, data_offsets: [begin, begin + data.byteLength] };
    return `${quoted(name)}:${JSON.stringify(value)}`;
  });
  const pairs = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length > 0)
    fields.unshift(`"__metadata__":{${pairs.map(([key, value]) => `${quoted(key)}:${quoted(value)}`).join(",")}}`);
  return [
    headerBytes(`{${fields.join(",")}}`),
    ...entries.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

/** `safetensorsPieces` as one array of bytes: the whole file. */
export function writeSafetensors(
  state: nn.StateDict,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const pieces = safetensorsPieces(state, metadata);
  const file = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
}

function storedEntry(name: string, entry: nn.StateEntry, floats: FloatStorage): Stored {
  const { shape } = entry;
  if (entry.dtype === "i64") return { name, dtype: "I64", shape, data: entry.data };
  if (floats === "f32") return { name, dtype: "F32", shape, data: entry.data };
  return { name, dtype: "F16", shape, data: halves(name, entry.data) };
}

/** What rounds to more than f16's 65504 would become infinite, and the weights of no use. */
function halves(name: string, data: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const half = f32ToF16(data[i]!);
    if ((half & 0x7fff) === INFINITE_HALF && Number.isFinite(data[i]!))
      throw new WeightsError("content", `tensor ${shown(name)} holds ${data[i]}, more than f16 can (65504)`);
    result[i] = half;
  }
  return result;
}

const INFINITE_HALF = 0x7c00;

/** The length as uint64, and the JSON, filled up with blanks to a multiple of 8. */
function headerBytes(json: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  return bytes;
}

function quoted(text: string): string {
  // Half a surrogate pair has no UTF-8; it would be written, but not read by anyone.
  if (/\p{Surrogate}/u.test(text)) throw new WeightsError("content", `${shown(text)} is not valid Unicode`);
  return JSON.stringify(text);
}
