import { WeightsError, shown } from "./errors.ts";

export type WeightsFormat = "pth-zip" | "pth-legacy" | "pth-tar" | "safetensors";

/** As much of a file as is needed to judge it. */
export const HEAD_BYTES = 4096;

/** A container or a mark, and somewhere a GLOBAL instruction with its two lines. */
const OLD_PICKLE = /^[c(}\])](?:.*?c)??[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n/s;

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  bytes.length >= at + text.length && [...text].every((c, i) => bytes[at + i] === c.charCodeAt(0));

/** Files that are taken for weights now and then. */
const OTHERS: readonly (readonly [string, string])[] = [
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["\x89HDF", "an HDF5 file (Keras)"],
  ["\x93NUMPY", "a NumPy array"],
  ["GGUF", "a GGUF file"],
  ["\x1f\x8b", "a gzip archive; unpack it first"],
  ["version https://git-lfs", "a Git LFS pointer, not the file itself; git lfs pull fetches that"],
  ["%PDF", "a PDF document"],
];

/**
 * Which container a file is, by its first bytes.
 *
 * @throws WeightsError ("format"; "truncated" for an empty file) for what is none of them, by its name where that is known
 */
export function containerOf(bytes: Uint8Array, fileBytes = bytes.length): WeightsFormat {
  if (fileBytes === 0) throw new WeightsError("truncated", "the file is empty");
  if (startsWith(bytes, "PK\x03\x04") || startsWith(bytes, "PK\x05\x06")) return "pth-zip";
  if (startsWith(bytes, "ustar", 257)) return "pth-tar";
  // A header length and a JSON object. Before pickles, because a length may begin with any byte, theirs included.
  if (bytes.length > 8 && bytes[8] === 0x7b) return "safetensors";
  // Protocol 2 and later announce themselves. Older ones can't hold tensors; they are looked at for the name of what they import.
  if (bytes[0] === 0x80 || OLD_PICKLE.test(beginning(bytes, HEAD_BYTES))) return "pth-legacy";
  const other = OTHERS.find(([magic]) => startsWith(bytes, magic));
  const looks = other
    ? other[1]
    : /^\s*<(?:!doctype|html|\?xml|svg)/i.test(beginning(bytes, 256))
      ? "a web page or XML (was it a download that failed?)"
      : `neither a .pth nor a .safetensors file; it begins with ${shown(beginning(bytes, 16))}`;
  throw new WeightsError("format", looks);
}

const beginning = (bytes: Uint8Array, length: number): string =>
  Array.from(bytes.subarray(0, length), (byte) => String.fromCharCode(byte)).join("");
