import { UnreadPictureError } from "../unreadPicture.ts";

const HEADER_BYTES = 64;

/**
 * RLE of PS3.5, annex G: a segment a byte plane, the most significant one first, PackBits in each.
 *
 * @returns [samples][pixels], each sample little endian: as `planar` native pixels
 * @throws UnreadPictureError
 */
export function decodeRle(bytes: Uint8Array, pixels: number, samples: number, sampleBytes: number): Uint8Array {
  const planes = samples * sampleBytes;
  if (bytes.length < HEADER_BYTES) throw new UnreadPictureError("truncated DICOM (RLE without its header)");
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const segments = header.getUint32(0, true);
  if (segments !== planes)
    throw new UnreadPictureError(`corrupt DICOM (${segments} RLE segments where ${planes} are needed)`);
  const out = new Uint8Array(pixels * planes);
  for (let plane = 0; plane < planes; plane++) {
    const start = header.getUint32(4 + 4 * plane, true);
    const next = plane + 1 < planes ? header.getUint32(8 + 4 * plane, true) : bytes.length;
    const sample = Math.floor(plane / sampleBytes);
    const significance = sampleBytes - 1 - (plane % sampleBytes);
    unpack(bytes.subarray(start, next), out, sample * pixels * sampleBytes + significance, sampleBytes, pixels);
  }
  return out;
}

/** PackBits into every `step`th byte. What follows the last pixel is padding. */
function unpack(segment: Uint8Array, out: Uint8Array, start: number, step: number, count: number): void {
  let written = 0;
  for (let at = 0; written < count;) {
    const code = segment[at++];
    if (code === undefined)
      throw new UnreadPictureError(`truncated DICOM (RLE ends after ${written} of ${count} pixels)`);
    if (code === 128) continue;
    const literal = code < 128;
    const run = Math.min(literal ? code + 1 : 257 - code, count - written);
    for (let i = 0; i < run; i++) {
      const value = segment[literal ? at + i : at];
      if (value === undefined)
        throw new UnreadPictureError(`truncated DICOM (RLE ends after ${written} of ${count} pixels)`);
      out[start + step * written++] = value;
    }
    at += literal ? code + 1 : 1;
  }
}
