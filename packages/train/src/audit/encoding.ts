import type { ImageFormat } from "../data/imageFormat.ts";

/** How a picture file is encoded, as far as its header says. */
export interface Encoding {
  readonly format: ImageFormat;
  /** 1 to 100, as libjpeg's `quality` would have made the luminance table; null for what is no JPEG. */
  readonly jpegQuality: number | null;
  /** Of a JPEG: its quantisation tables, components and their sampling, in one short hash. Else null. */
  readonly jpegTables: number | null;
}

/** ISO/IEC 10918-1, table K.1, in zigzag order: what libjpeg scales by quality. */
const LUMINANCE = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
  60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121,
  112, 100, 120, 92, 101, 103, 99,
];

const MARKER = { startOfScan: 0xda, quantisation: 0xdb, end: 0xd9 } as const;
/** Baseline, extended, progressive; what else there is isn't decoded. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2]);

/** Walks a JPEG's segments up to its first scan. What is malformed is left out: the decoder says what is wrong with it. */
export function encodingOf(bytes: Uint8Array, format: ImageFormat): Encoding {
  if (format !== "jpeg") return { format, jpegQuality: null, jpegTables: null };
  let luminance: readonly number[] | null = null;
  let hash = FNV_START;
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1]!;
    // Fill bytes, and markers without a length.
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === MARKER.startOfScan || marker === MARKER.end) break;
    const length = bytes[at + 2]! * 256 + bytes[at + 3]!;
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (marker === MARKER.quantisation) {
      hash = fnv(hash, body);
      luminance ??= firstTable(body);
    }
    // Of a frame, not height and width: those are judged by themselves.
    else if (FRAMES.has(marker)) hash = fnv(hash, body.subarray(5));
    at += 2 + Math.max(2, length);
  }
  return { format, jpegQuality: luminance && qualityOf(luminance), jpegTables: hash };
}

function firstTable(body: Uint8Array): number[] | null {
  const wide = body[0]! >> 4 === 1;
  if (body.length < 1 + (wide ? 128 : 64)) return null;
  return LUMINANCE.map((_, i) => (wide ? body[1 + 2 * i]! * 256 + body[2 + 2 * i]! : body[1 + i]!));
}

/** [100][64]: libjpeg's `jpeg_quality_scaling` and `jpeg_add_quant_table`, held to a byte. */
const TABLES = Array.from({ length: 100 }, (_, i) => {
  const quality = i + 1;
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return LUMINANCE.map((value) => Math.max(1, Math.min(255, Math.floor((value * scale + 50) / 100))));
});

/** The quality whose table is nearest. */
function qualityOf(table: readonly number[]): number {
  const distances = TABLES.map((other) => other.reduce((sum, value, i) => sum + Math.abs(value - table[i]!), 0));
  return distances.indexOf(Math.min(...distances)) + 1;
}

const FNV_START = 0x811c9dc5;

/** FNV-1a, 32 bits. */
function fnv(hash: number, bytes: Uint8Array): number {
  let h = hash;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  return h;
}
