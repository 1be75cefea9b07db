import { createHash } from "node:crypto";
import type { Picture } from "@fracture/resnet";
import { decodeImageBytes } from "../data/decode.ts";
import { sniffImage, SNIFFED_BYTES, type ImageFormat } from "../data/imageFormat.ts";
import { detailOf, THUMBNAIL_SIDE, thumbnailOf } from "./detail.ts";
import { encodingOf, type Encoding } from "./encoding.ts";
import { structureHash, type StructureHash } from "./structureHash.ts";

/** What a picture is known by: enough to find its copies and what gives its class away, and nothing of it beyond a thumbnail's edges. */
export interface Fingerprint extends Encoding {
  readonly fileBytes: number;
  /** Upright. */
  readonly width: number;
  readonly height: number;
  /** Levels, 0 to 255, of all pixels. */
  readonly mean: number;
  readonly deviation: number;
  /** Of the outermost pixels, a 32nd of the shorter side deep. */
  readonly borderMean: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly fileHash: string;
  /** SHA-256 of size and grey pixels, as they are decoded. */
  readonly pixelHash: string;
  readonly structure: StructureHash;
  /** See `detailOf`. */
  readonly detail: Int8Array | null;
}

/** Changes with whatever changes a fingerprint: those that were kept are void then. */
export const FINGERPRINT_VERSION = "fingerprint-1";

/**
 * @param path for messages
 * @throws ImageError
 */
export async function fingerprintOf(bytes: Uint8Array, path: string): Promise<Fingerprint> {
  const picture = await decodeImageBytes(bytes, path, { channels: "grey" });
  const { format } = sniffImage(bytes.subarray(0, SNIFFED_BYTES)) as { format: ImageFormat };
  const thumbnail = thumbnailOf(picture);
  const { width, height, data } = picture;
  return {
    ...encodingOf(bytes, format),
    fileBytes: bytes.length,
    width,
    height,
    ...levelsOf(picture),
    fileHash: createHash("sha256").update(bytes).digest("hex"),
    pixelHash: createHash("sha256").update(`${width} ${height}\n`).update(data).digest("hex"),
    structure: structureHash(thumbnail),
    detail: detailOf(thumbnail),
  };
}

function levelsOf({ data, width, height }: Picture): Pick<Fingerprint, "mean" | "deviation" | "borderMean"> {
  const depth = Math.max(1, Math.round(Math.min(width, height) / 32));
  let [sum, squares, border, outer] = [0, 0, 0, 0];
  for (let y = 0, i = 0; y < height; y++) {
    const edgeRow = y < depth || y >= height - depth;
    for (let x = 0; x < width; x++, i++) {
      const value = data[i]!;
      sum += value;
      squares += value * value;
      if (!edgeRow && x >= depth && x < width - depth) continue;
      border += value;
      outer += 1;
    }
  }
  const mean = sum / data.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / data.length - mean * mean)), borderMean: border / outer };
}

const FORMATS: readonly ImageFormat[] = ["jpeg", "png", "webp", "tiff", "gif"];
const NUMBERS = 12;
const HASH_BYTES = 32;
const DETAIL_BYTES = THUMBNAIL_SIDE ** 2;
/** Of a packed fingerprint: numbers, two hashes, detail. */
export const FINGERPRINT_BYTES = NUMBERS * 8 + 2 * HASH_BYTES + DETAIL_BYTES;

/** A fingerprint in bytes, FINGERPRINT_BYTES of them, for a cache. */
export function packFingerprint(print: Fingerprint): Uint8Array {
  const { format, jpegQuality, jpegTables, fileBytes, width, height, mean, deviation, borderMean } = print;
  const { structure, fileHash, pixelHash, detail } = print;
  const packed = Buffer.alloc(FINGERPRINT_BYTES);
  // NaN is null.
  const [quality, tables] = [jpegQuality ?? NaN, jpegTables ?? NaN];
  const numbers = [FORMATS.indexOf(format), quality, tables, fileBytes, width, height, mean, deviation, borderMean];
  [...numbers, structure.low, structure.high, detail ? 1 : 0].forEach((value, i) => packed.writeDoubleLE(value, 8 * i));
  packed.write(fileHash, NUMBERS * 8, "hex");
  packed.write(pixelHash, NUMBERS * 8 + HASH_BYTES, "hex");
  if (detail) packed.set(new Uint8Array(detail.buffer, detail.byteOffset, detail.length), NUMBERS * 8 + 2 * HASH_BYTES);
  return packed;
}

export function unpackFingerprint(packed: Uint8Array): Fingerprint {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const number = (i: number): number => buffer.readDoubleLE(8 * i);
  const nullable = (i: number): number | null => (Number.isNaN(number(i)) ? null : number(i));
  const hex = (i: number): string =>
    buffer.toString("hex", NUMBERS * 8 + i * HASH_BYTES, NUMBERS * 8 + (i + 1) * HASH_BYTES);
  return {
    format: FORMATS[number(0)]!,
    jpegQuality: nullable(1),
    jpegTables: nullable(2),
    fileBytes: number(3),
    width: number(4),
    height: number(5),
    mean: number(6),
    deviation: number(7),
    borderMean: number(8),
    structure: { low: number(9), high: number(10) },
    fileHash: hex(0),
    pixelHash: hex(1),
    detail: number(11) === 1 ? new Int8Array(buffer.subarray(NUMBERS * 8 + 2 * HASH_BYTES)) : null,
  };
}
