import { UnreadPictureError } from "../unreadPicture.ts";

/** What a compressed frame says of itself. */
export interface Codestream {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly bits: number;
}

/**
 * The frame header of a JPEG of any kind (ISO 10918-1, B.2.2; ISO 14495-1, C.2.2). There must be one alone before the first scan: of two,
 * decoders take the last.
 */
export function jpegHeader(bytes: Uint8Array): Codestream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found: Codestream | null = null;
  for (let at = 2; view.byteLength >= 4 && view.getUint16(0) === 0xffd8 && at + 10 <= bytes.length;) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === SCAN && found) return found;
    if (isFrame(marker)) {
      if (found) throw new UnreadPictureError("corrupt DICOM (the compressed pixels have more than one JPEG header)");
      found = {
        bits: bytes[at + 4]!,
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components: bytes[at + 9]!,
      };
    }
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  throw new UnreadPictureError("corrupt DICOM (the compressed pixels have no JPEG header)");
}

const SCAN = 0xda;

/** SOF0 to SOF15, without DHT, JPG and DAC among them; SOF55 of JPEG-LS. */
const isFrame = (marker: number): boolean =>
  marker === 0xf7 || (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker));

/** The SIZ segment of JPEG 2000 (ISO 15444-1, A.5.1), of a bare codestream or the one in a JP2 file. */
export function jpeg2000Header(bytes: Uint8Array): Codestream {
  const stream = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = beginsCodestream(stream, 0) ? 0 : codestreamBox(stream);
  if (start === null || start + 43 > stream.length || !beginsCodestream(stream, start))
    throw new UnreadPictureError("corrupt DICOM (the compressed pixels have no JPEG 2000 header)");
  return {
    width: stream.readUInt32BE(start + 8) - stream.readUInt32BE(start + 16),
    height: stream.readUInt32BE(start + 12) - stream.readUInt32BE(start + 20),
    components: stream.readUInt16BE(start + 40),
    bits: (stream.readUInt8(start + 42) & 0x7f) + 1,
  };
}

const SOC_AND_SIZ = 0xff4fff51;
const beginsCodestream = (bytes: Buffer, at: number): boolean =>
  at + 4 <= bytes.length && bytes.readUInt32BE(at) === SOC_AND_SIZ;

/** Where the content of the first box `jp2c` begins (ISO 15444-1, I.4): what looks like a codestream in a box before it is none. */
function codestreamBox(bytes: Buffer): number | null {
  for (let at = 0; at + 8 <= bytes.length;) {
    const short = bytes.readUInt32BE(at);
    const head = short === 1 ? 16 : 8;
    if (at + head > bytes.length) return null;
    // 0: to the end.
    const length = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? bytes.length - at : short;
    if (length < head || at + length > bytes.length) return null;
    if (bytes.toString("latin1", at + 4, at + 8) === "jp2c") return at + head;
    at += length;
  }
  return null;
}
