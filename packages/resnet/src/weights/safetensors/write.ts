import type { nn } from "@fracture/tensor";
import { countOf } from "../dtype.ts";
import { WeightsError, shown } from "../errors.ts";

/**
 * A state dict as a safetensors file, in pieces: the header, then views of each entry's elements, so that nothing is
 * copied; for a writer that takes pieces. The same content gives the same bytes.
 *
 * The header lists the tensors in the state dict's order and metadata by name. Int64 comes before float32 in the data, as in
 * the reference implementation, so that every tensor is aligned to its element size when the file is mapped into memory.
 *
 * @throws WeightsError ("content") for an entry whose elements don't match its shape, or a name that the format can't hold.
 */
export function safetensorsPieces(
  state: nn.StateDict,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer>[] {
  const entries = [...state].toSorted(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const offsets = new Map<string, number>();
  let at = 0;
  for (const [name, { shape, data }] of entries) {
    if (data.length !== countOf(shape))
      throw new WeightsError("content", `tensor ${shown(name)} [${shape.join(",")}] has ${data.length} elements`);
    offsets.set(name, at);
    at += data.byteLength;
  }
  const fields = [...state].map(([name, { dtype, shape, data }]) => {
    if (name === "__metadata__")
      throw new WeightsError("content", "no tensor may be called __metadata__ in safetensors");
    const begin = offsets.get(name)!;
    const value = { dtype: dtype === "f32" ? "F32" : "I64", shape, data_offsets: [begin, begin + data.byteLength] };
    return `${quoted(name)}:${JSON.stringify(value)}`;
  });
  const pairs = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length > 0)
    fields.unshift(`"__metadata__":{${pairs.map(([key, value]) => `${quoted(key)}:${quoted(value)}`).join(",")}}`);
  return [
    headerBytes(`{${fields.join(",")}}`),
    ...entries.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
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
