import { decodeUtf8 } from "../cursor.ts";
import { WeightsError, shown } from "../errors.ts";

const BLOCK = 512;

/**
 * The regular files of a tar archive (POSIX.1-1988 ustar, with pax headers in between, which only hold times here).
 * Contents are views, no copies.
 */
export function readTar(bytes: Uint8Array<ArrayBuffer>): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = 0; ;) {
    const header = bytes.subarray(at, at + BLOCK);
    // Writers end with two blocks of zeros; a file that ends exactly behind a member is complete too.
    if (header.length === 0 || (header.length === BLOCK && header.every((byte) => byte === 0))) return files;
    if (header.length < BLOCK)
      throw new WeightsError("truncated", `the tar archive ends inside the header at byte ${at}`);
    checkSum(header, at);
    const size = octal(header.subarray(124, 136), `the size at byte ${at} of the tar archive`);
    const name = text(header.subarray(0, 100)).replace(/^\.\//, "");
    const from = at + BLOCK;
    if (from + size > bytes.length)
      throw new WeightsError(
        "truncated",
        `the tar member ${shown(name)} needs ${size} bytes, but ${bytes.length - from} are left`,
      );
    const type = String.fromCharCode(header[156]!);
    if (type === "0" || type === "\0") {
      if (files.has(name)) throw new WeightsError("corrupt", `two tar members are called ${shown(name)}`);
      files.set(name, bytes.subarray(from, from + size));
    }
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
}

// The sum of the header's bytes, with blanks where the sum itself stands.
function checkSum(header: Uint8Array, at: number): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (octal(header.subarray(148, 156), `the checksum at byte ${at} of the tar archive`) !== sum)
    throw new WeightsError("corrupt", `the tar header at byte ${at} is damaged: its checksum is wrong`);
}

function octal(field: Uint8Array, what: string): number {
  const digits = text(field).trim();
  if (!/^[0-7]{1,11}$/.test(digits))
    throw new WeightsError("corrupt", `${what} is ${shown(digits)}, not an octal number`);
  return Number.parseInt(digits, 8);
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return decodeUtf8(end < 0 ? field : field.subarray(0, end), "a tar header");
}
