import { UnreadPictureError } from "../unreadPicture.ts";
import { PIXEL_DATA, type DataSet } from "./dataSet.ts";

const ITEM = 0xe000fffe;
const SEQUENCE_END = 0xe0ddfffe;
const UNDEFINED_LENGTH = 0xffffffff;

/** The pixels of the first frame, where nothing is compressed. */
export function nativeFrame(dataSet: DataSet, expectedBytes: number): Uint8Array {
  const { dataOffset, length } = dataSet.elements[PIXEL_DATA]!;
  const { byteArray } = dataSet;
  if (length === UNDEFINED_LENGTH)
    throw new UnreadPictureError(
      "corrupt DICOM (pixels in fragments, but the transfer syntax is not a compressed one)",
    );
  const bytes = byteArray.subarray(dataOffset, dataOffset + Math.min(length, expectedBytes));
  if (bytes.length < expectedBytes)
    throw new UnreadPictureError(
      `truncated DICOM (${bytes.length} bytes of pixels where ${expectedBytes} are needed${length > bytes.length ? ", and it claims more" : ""})`,
    );
  return bytes;
}

interface Fragments {
  /** Where frames begin, in bytes from the first fragment's item; may be empty. */
  readonly offsets: readonly number[];
  readonly items: readonly { readonly at: number; readonly bytes: Uint8Array }[];
}

/** The compressed first frame, its fragments joined (PS3.5, A.4). */
export function encapsulatedFrame(dataSet: DataSet, frames: number): Uint8Array {
  const { offsets, items } = fragmentsOf(dataSet);
  if (items.length === 0) throw new UnreadPictureError("corrupt DICOM (there are no fragments of pixels)");
  const end = offsets[1];
  if (frames === 1) return joined(items);
  if (end !== undefined) return joined(items.filter(({ at }) => at < end));
  if (items.length >= frames) return items[0]!.bytes; // a frame each, as nearly all writers do
  throw new UnreadPictureError(`corrupt DICOM (${items.length} fragments of pixels for ${frames} frames)`);
}

const joined = (items: Fragments["items"]): Uint8Array =>
  items.length === 1 ? items[0]!.bytes : Buffer.concat(items.map(({ bytes }) => bytes));

function fragmentsOf(dataSet: DataSet): Fragments {
  const { dataOffset, length } = dataSet.elements[PIXEL_DATA]!;
  const bytes = dataSet.byteArray;
  if (length !== UNDEFINED_LENGTH)
    throw new UnreadPictureError(
      "corrupt DICOM (pixels that are not in fragments, but the transfer syntax is a compressed one)",
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Uint8Array[] = [];
  const starts: number[] = [];
  for (let at = dataOffset; ;) {
    if (at + 8 > bytes.length)
      throw new UnreadPictureError("truncated DICOM (the fragments of its pixels have no end)");
    const tag = view.getUint32(at, true);
    if (tag === SEQUENCE_END) break;
    const size = view.getUint32(at + 4, true);
    if (tag !== ITEM) throw new UnreadPictureError("corrupt DICOM (something other than a fragment among its pixels)");
    if (at + 8 + size > bytes.length)
      throw new UnreadPictureError("truncated DICOM (a fragment of its pixels ends early)");
    found.push(bytes.subarray(at + 8, at + 8 + size));
    starts.push(at);
    at += 8 + size;
  }
  // The first item is the table of offsets.
  const [table, ...fragments] = found;
  const first = starts[1] ?? 0;
  const words = Buffer.from(table ?? []);
  return {
    offsets: Array.from({ length: words.length >> 2 }, (_, i) => words.readUInt32LE(4 * i)),
    items: fragments.map((fragment, i) => ({ at: starts[i + 1]! - first, bytes: fragment })),
  };
}
