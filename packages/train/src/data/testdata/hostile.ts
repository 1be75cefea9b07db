import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** A chunk of a PNG, with its right checksum whatever it holds. */
export function pngChunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  return Buffer.concat([uint32(content.length), body, uint32(crc32(body))]);
}

/** A PNG with a chunk more, right after its header. */
export function withChunk(file: Uint8Array, type: string, content: Uint8Array): Buffer {
  const headerEnd = SIGNATURE.length + 25;
  return Buffer.concat([file.subarray(0, headerEnd), pngChunk(type, content), file.subarray(headerEnd)]);
}

export interface GreyPng {
  readonly width: number;
  readonly height: number;
  readonly bits: 1 | 8 | 16;
  /** Rows, each after its filter byte; what a bomb leaves out. */
  readonly rows: Uint8Array;
}

/** A grey PNG of any claimed size. */
export function greyPng({ width, height, bits, rows }: GreyPng): Buffer {
  const header = Buffer.concat([uint32(width), uint32(height), Buffer.from([bits, 0, 0, 0, 0])]);
  const chunks = [pngChunk("IHDR", header), pngChunk("IDAT", deflateSync(rows)), pngChunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([SIGNATURE, ...chunks]);
}

/** A GIF whose screen and only frame claim any size; their pixels are missing. */
export function gifOfSize(width: number, height: number): Buffer {
  const size = [width & 255, width >> 8, height & 255, height >> 8];
  const colours = [0, 0, 0, 255, 255, 255];
  const frame = [0x2c, 0, 0, 0, 0, ...size, 0];
  return Buffer.concat([
    Buffer.from("GIF89a"),
    Buffer.from([...size, 0x80, 0, 0, ...colours, ...frame, 2, 1, 0x4c, 0, 0x3b]),
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
