import { createHash } from "node:crypto";
import type { Picture } from "@fracture/resnet";
import { CONVERSION_KINDS, type ConversionKind } from "../data/conversions.ts";
import { loadImageBytes } from "../data/decode.ts";
import type { ImageFormat } from "../data/imageFormat.ts";
import { detailOf, THUMBNAIL_SIDE, thumbnailOf } from "./detail.ts";
import { encodingOf, type Encoding } from "./encoding.ts";
import { structureHash, type StructureHash } from "./structureHash.ts";

/** What a picture is known by: enough to find its copies and what gives its class away, and nothing of it beyond a thumbnail's edges. */
export interface Fingerprint extends Encoding {
  readonly fileBytes: number;
  /** Upright. */
  readonly width: number;
  readonly height: number;
  /** What the loader did to it, in the order of CONVERSION_KINDS. */
  readonly conversions: readonly ConversionKind[];
  /** Levels, 0 to 255, of all pixels. */
  readonly mean: number;
  readonly deviation: number;
  /** Of the outermost pixels, a 32nd of the shorter side deep. */
  readonly borderMean: number;
  /** [LEVEL_BINS] The shares of pixels with each 32nd of the levels, the darkest first. */
  readonly levels: readonly number[];
  /** SHA-256 of the file, in hexadecimal. */
  readonly fileHash: string;
  /** SHA-256 of size and grey pixels, as they are decoded. */
  readonly pixelHash: string;
  readonly structure: StructureHash;
  /** See `detailOf`. */
  readonly detail: Int8Array | null;
}

/** Bins of the histogram of levels that a fingerprint has. */
export const LEVEL_BINS = 32;

/** Changes with whatever changes a fingerprint: those that were kept are void then. */
export const FINGERPRINT_VERSION = "fingerprint-3";

/**
 * @param path for messages
 * @throws ImageError
 */
export async function fingerprintOf(bytes: Uint8Array, path: string): Promise<Fingerprint> {
  const { picture, source } = await loadImageBytes(bytes, path, { channels: "grey" });
  const thumbnail = thumbnailOf(picture);
  const { width, height, data } = picture;
  return {
    ...encodingOf(bytes, source.format),
    fileBytes: bytes.length,
    width,
    height,
    conversions: CONVERSION_KINDS.filter((kind) => source.conversions.some((done) => done.kind === kind)),
    ...levelsOf(picture),
    fileHash: createHash("sha256").update(bytes).digest("hex"),
    pixelHash: createHash("sha256").update(`${width} ${height}\n`).update(data).digest("hex"),
    structure: structureHash(thumbnail),
    detail: detailOf(thumbnail),
  };
}

type Levels = Pick<Fingerprint, "mean" | "deviation" | "borderMean" | "levels">;

function levelsOf({ data, width, height }: Picture): Levels {
  const counts = new Uint32Array(256);
  for (let i = 0; i < data.length; i++) counts[data[i]!]! += 1;
  let [sum, squares] = [0, 0];
  const levels = Array.from({ length: LEVEL_BINS }, () => 0);
  counts.forEach((count, level) => {
    sum += count * level;
    squares += count * level * level;
    levels[Math.floor((level * LEVEL_BINS) / 256)]! += count / data.length;
  });
  const mean = sum / data.length;
  const deviation = Math.sqrt(Math.max(0, squares / data.length - mean * mean));
  return { mean, deviation, borderMean: borderMeanOf(data, width, height), levels };
}

function borderMeanOf(data: Uint8Array, width: number, height: number): number {
  const depth = Math.max(1, Math.round(Math.min(width, height) / 32));
  let [sum, outer] = [0, 0];
  for (let y = 0; y < height; y++) {
    const whole = y < depth || y >= height - depth || width <= 2 * depth;
    // Of a row in the middle the left end, then the right one.
    for (let x = 0; x < width; x = !whole && x + 1 === depth ? width - depth : x + 1) {
      sum += data[y * width + x]!;
      outer += 1;
    }
  }
  return sum / outer;
}

const FORMATS: readonly ImageFormat[] = ["jpeg", "png", "webp", "tiff", "gif", "dicom"];
const NUMBERS = 13;
const HASH_BYTES = 32;
const DETAIL_BYTES = THUMBNAIL_SIDE ** 2;
const DETAIL_AT = (NUMBERS + LEVEL_BINS) * 8 + 2 * HASH_BYTES;
/** Of a packed fingerprint: numbers, two hashes, the histogram, detail. */
export const FINGERPRINT_BYTES = DETAIL_AT + DETAIL_BYTES;
const LEVELS_AT = NUMBERS * 8 + 2 * HASH_BYTES;

/** A fingerprint in bytes, FINGERPRINT_BYTES of them, for a cache. */
export function packFingerprint(print: Fingerprint): Uint8Array {
  const { format, jpegQuality, jpegTables, fileBytes, width, height, mean, deviation, borderMean } = print;
  const { conversions, levels, structure, fileHash, pixelHash, detail } = print;
  const packed = Buffer.alloc(FINGERPRINT_BYTES);
  // NaN is null.
  const [quality, tables] = [jpegQuality ?? NaN, jpegTables ?? NaN];
  const numbers = [FORMATS.indexOf(format), quality, tables, fileBytes, width, height, mean, deviation, borderMean];
  const done = conversions.reduce((bits, kind) => bits + 2 ** CONVERSION_KINDS.indexOf(kind), 0);
  [...numbers, structure.low, structure.high, detail ? 1 : 0, done].forEach((value, i) =>
    packed.writeDoubleLE(value, 8 * i),
  );
  packed.write(fileHash, NUMBERS * 8, "hex");
  packed.write(pixelHash, NUMBERS * 8 + HASH_BYTES, "hex");
  levels.forEach((share, i) => packed.writeDoubleLE(share, LEVELS_AT + 8 * i));
  if (detail) packed.set(new Uint8Array(detail.buffer, detail.byteOffset, detail.length), DETAIL_AT);
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
    conversions: CONVERSION_KINDS.filter((_, i) => Math.floor(number(12) / 2 ** i) % 2 === 1),
    mean: number(6),
    deviation: number(7),
    borderMean: number(8),
    levels: Array.from({ length: LEVEL_BINS }, (_, i) => buffer.readDoubleLE(LEVELS_AT + 8 * i)),
    structure: { low: number(9), high: number(10) },
    fileHash: hex(0),
    pixelHash: hex(1),
    detail: number(11) === 1 ? new Int8Array(buffer.subarray(DETAIL_AT)) : null,
  };
}
