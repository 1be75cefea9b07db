import { UnreadPictureError } from "../unreadPicture.ts";

/** What a compressed frame says of itself. */
export interface Codestream {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly bits: number;
}

/** The frame header of a JPEG of any kind (ISO 10918-1, B.2.2; ISO 14495-1, C.2.2). */
export function jpegHeader(bytes: Uint8Array): Codestream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; view.byteLength >= 4 && view.getUint16(0) === 0xffd8 && at + 10 <= bytes.length;) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at += 1;
    else if (isFrame(marker)) {
      return {
        bits: bytes[at + 4]!,
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components: bytes[at + 9]!,
      };
    } else at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  throw new UnreadPictureError("corrupt DICOM (the compressed pixels have no JPEG header)");
}

/** SOF0 to SOF15, without DHT, JPG and DAC among them; SOF55 of JPEG-LS. */
const isFrame = (marker: number): boolean =>
  marker === 0xf7 || (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker));

/** The SIZ segment of JPEG 2000 (ISO 15444-1, A.5.1), of a bare codestream or one within a JP2 file. */
export function jpeg2000Header(bytes: Uint8Array): Codestream {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(SOC_AND_SIZ);
  if (start < 0 || start + 43 > bytes.length)
    throw new UnreadPictureError("corrupt DICOM (the compressed pixels have no JPEG 2000 header)");
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, 43);
  return {
    width: view.getUint32(8) - view.getUint32(16),
    height: view.getUint32(12) - view.getUint32(20),
    components: view.getUint16(40),
    bits: (view.getUint8(42) & 0x7f) + 1,
  };
}

const SOC_AND_SIZ = Buffer.from([0xff, 0x4f, 0xff, 0x51]);
