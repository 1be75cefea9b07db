import { createRequire } from "node:module";
import { inflateRawSync } from "node:zlib";
import type * as DicomParser from "dicom-parser";
import { UnreadPictureError } from "../unreadPicture.ts";
import { EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN } from "./transferSyntax.ts";

export type DataSet = DicomParser.DataSet;
export type Element = DicomParser.Element;

const require = createRequire(import.meta.url);

export const PIXEL_DATA = "x7fe00010";
const PREAMBLE_BYTES = 128;
/** What a deflated file may hold beside its pixels. */
const DEFLATED_HEADER_BYTES = 1 << 24;
const MOST_SAMPLE_BYTES = 3;

export interface ParsedDicom {
  /** The attributes up to the pixels, which are only pointed at. */
  readonly dataSet: DataSet;
  readonly transferSyntax: string;
}

/**
 * Parses a DICOM file up to its pixels. It may lack its preamble, and its file header too: then it is little endian.
 *
 * @throws UnreadPictureError
 */
export function parseDicomFile(bytes: Uint8Array, maxPixels: number): ParsedDicom {
  // Loaded at the first DICOM file: most data sets have none.
  const { parseDicom } = require("dicom-parser") as typeof DicomParser;
  const inflater = (all: Uint8Array, position: number): Uint8Array => inflated(all, position, maxPixels);
  try {
    const { file, transferSyntax } = withHeader(bytes);
    const dataSet = parseDicom(file, {
      untilTag: PIXEL_DATA,
      inflater,
      ...(transferSyntax === null ? {} : { TransferSyntaxUID: transferSyntax }),
    });
    return { dataSet, transferSyntax: transferSyntax ?? dataSet.string("x00020010") ?? "" };
  } catch (error) {
    throw corrupt(error);
  }
}

/** What a parser, a codec or an attribute of the wrong length throws, as an error that says so. */
export function corrupt(error: unknown): UnreadPictureError {
  if (error instanceof UnreadPictureError) return error;
  const inner = typeof error === "object" && error !== null && "exception" in error ? error.exception : error;
  const message = inner instanceof Error ? inner.message : String(inner);
  if (message.endsWith("header attribute 0002,0010"))
    return new UnreadPictureError("DICOM without TransferSyntaxUID (0002,0010)", { cause: error });
  const [line = ""] = message.split("\n");
  const reason = line
    .replace(/^Input buffer has corrupt header: /, "")
    .replace(/^(dicomParser\.?|\w+ByteArrayParser)[\w.]*\s*[:-]\s*/, "")
    .slice(0, 120);
  const kind =
    /past end|overr(ea|u)n|unexpected end|truncat|premature|out of range|bounds|maxP ?osition|'position'/i.test(message)
      ? "truncated or corrupt"
      : "corrupt";
  return new UnreadPictureError(`${kind} DICOM (${reason})`, { cause: error });
}

/** A file that the parser takes, and the transfer syntax where the file doesn't say it. */
function withHeader(bytes: Uint8Array): { file: Uint8Array; transferSyntax: string | null } {
  const text = Buffer.from(bytes.subarray(0, PREAMBLE_BYTES + 4)).toString("latin1");
  if (text.startsWith("DICM", PREAMBLE_BYTES)) return { file: bytes, transferSyntax: null };
  if (text.startsWith("\x02\0"))
    return { file: Buffer.concat([Buffer.alloc(PREAMBLE_BYTES), Buffer.from("DICM"), bytes]), transferSyntax: null };
  const explicit = /^[A-Z]{2}$/.test(text.slice(4, 6));
  return { file: bytes, transferSyntax: explicit ? EXPLICIT_LITTLE_ENDIAN : IMPLICIT_LITTLE_ENDIAN };
}

/** The file's header and its inflated rest, within what pixels and a header may need. */
function inflated(all: Uint8Array, position: number, maxPixels: number): Uint8Array {
  const most = Math.min(maxPixels * MOST_SAMPLE_BYTES + DEFLATED_HEADER_BYTES, 2 ** 31 - 1);
  try {
    return Buffer.concat([
      all.subarray(0, position),
      inflateRawSync(all.subarray(position), { maxOutputLength: most }),
    ]);
  } catch (error) {
    const bomb = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    if (!bomb) throw error;
    throw new UnreadPictureError(`deflated DICOM that inflates to more than ${Math.round(most / 1e6)} MB`);
  }
}
