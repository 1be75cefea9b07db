/** What is decoded. */
export type ImageFormat = "jpeg" | "png" | "webp" | "tiff" | "gif" | "dicom";

export type SniffedFormat =
  | { readonly format: ImageFormat }
  /** `what` says what the bytes are instead; `picture`: one all the same, in a format that is not read. */
  | { readonly format: null; readonly what: string; readonly picture: boolean };

/** How many bytes of the beginning of a file `sniffImage` looks at. */
export const SNIFFED_BYTES = 1024;

interface Signature {
  readonly at?: number;
  readonly bytes: string;
}

const READ: readonly (readonly [ImageFormat, ...Signature[]])[] = [
  // Before the others: its first 128 bytes may be the beginning of a TIFF, for programs that know no DICOM.
  ["dicom", { at: 128, bytes: "DICM" }],
  ["jpeg", { bytes: "\xff\xd8\xff" }],
  ["png", { bytes: "\x89PNG\r\n\x1a\n" }],
  ["gif", { bytes: "GIF87a" }],
  ["gif", { bytes: "GIF89a" }],
  ["webp", { bytes: "RIFF" }, { at: 8, bytes: "WEBP" }],
  ["tiff", { bytes: "II*\0" }],
  ["tiff", { bytes: "MM\0*" }],
  ["tiff", { bytes: "II+\0" }],
  ["tiff", { bytes: "MM\0+" }],
];

const UNREAD_PICTURES: readonly (readonly [string, ...Signature[]])[] = [
  ["a BMP picture", { bytes: "BM" }],
  ["a HEIF or AVIF picture", { at: 4, bytes: "ftyp" }],
  ["a JPEG 2000 picture", { at: 4, bytes: "jP  " }],
  ["a JPEG 2000 picture", { bytes: "\xff\x4f\xff\x51" }],
  ["a JPEG XL picture", { at: 4, bytes: "JXL " }],
  ["a JPEG XL picture", { bytes: "\xff\x0a" }],
  ["a Photoshop picture", { bytes: "8BPS" }],
];

const OTHERS: readonly (readonly [string, ...Signature[]])[] = [
  ["an icon", { bytes: "\0\0\x01\0" }],
  ["a PDF", { bytes: "%PDF" }],
  ["a zip archive", { bytes: "PK\x03\x04" }],
  ["a gzip archive", { bytes: "\x1f\x8b" }],
];

/**
 * What a file is by its first bytes, whatever its name says. Other than the six formats that are decoded nothing gets past
 * this, so that no SVG, PDF or other language that a decoder might run is ever opened.
 *
 * @param head the first SNIFFED_BYTES of the file, or all of a shorter one
 */
export function sniffImage(head: Uint8Array): SniffedFormat {
  const text = Buffer.from(head.subarray(0, SNIFFED_BYTES)).toString("latin1");
  const matches = (signatures: readonly Signature[]): boolean =>
    signatures.every(({ at = 0, bytes }) => text.startsWith(bytes, at));
  for (const [format, ...signatures] of READ) if (matches(signatures)) return { format };
  if (isBareDicom(text)) return { format: "dicom" };
  for (const [what, ...signatures] of UNREAD_PICTURES) {
    if (matches(signatures)) {
      return { format: null, what: `${what}, which is not read here: convert it to PNG`, picture: true };
    }
  }
  const other = OTHERS.find(([, ...signatures]) => matches(signatures))?.[0];
  return { format: null, what: other ?? describeText(text) ?? "no picture in a known format", picture: false };
}

const VALUE_TYPES = /^(AE|AS|CS|DA|DT|IS|LO|LT|PN|SH|ST|TM|UI|UL|US|OB)/;
const MOST_VALUE_BYTES = 256;

/**
 * A DICOM data set without its preamble, or without its file header too: two elements of group 2 or 8 in rising order, little endian,
 * with types that such an element has and lengths that are small and even.
 */
function isBareDicom(text: string): boolean {
  const tagAt = (at: number): number => word(at) * 0x10000 + word(at + 2);
  const word = (at: number): number => text.charCodeAt(at) + 256 * text.charCodeAt(at + 1); // NaN beyond the end
  let at = 0;
  let before = 0;
  for (let element = 0; element < 2; element++) {
    const tag = tagAt(at);
    const group = tag >>> 16;
    const explicit = VALUE_TYPES.test(text.slice(at + 4, at + 6));
    // The length follows the type, 2 bytes, but for OB's: 4 bytes, after 2 of nothing.
    const long = text.startsWith("OB", at + 4);
    const length = explicit && !long ? word(at + 6) : word(at + (long ? 8 : 4)) + 0x10000 * word(at + (long ? 10 : 6));
    if ((group !== 2 && group !== 8) || tag < before || (element > 0 && tag === before)) return false;
    if (group === 2 && !explicit) return false;
    if (!(length <= MOST_VALUE_BYTES) || length % 2 !== 0) return false;
    before = tag;
    at += (long ? 12 : 8) + length;
  }
  return true;
}

function describeText(text: string): string | null {
  if (text === "") return "empty";
  const start = text.replace(/^(\xef\xbb\xbf)?\s*/, "").toLowerCase();
  if (/<svg[\s>]/.test(start) && start.startsWith("<")) return "an SVG drawing";
  if (/^<(!doctype html|html|head|body)\b/.test(start)) return "an HTML page (a download that failed?)";
  if (start.startsWith("version https://git-lfs")) return "a Git LFS pointer: the file itself was never downloaded";
  // oxlint-disable-next-line no-control-regex -- bytes that text doesn't hold
  return /[\x00-\x08\x0e-\x1f]/.test(text) ? null : "a text file";
}
