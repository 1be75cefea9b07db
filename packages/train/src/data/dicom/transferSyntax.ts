import { UnreadPictureError } from "../unreadPicture.ts";

/** How pixels are encoded. */
export type Encoding = "native" | "rle" | "jpeg" | "jpeg-lossless" | "jpeg-ls" | "jpeg-2000";

export const IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2";
export const EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";
export const EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2";

/** PS3.6, table A-1. */
const READ: Readonly<Record<string, Encoding>> = {
  [IMPLICIT_LITTLE_ENDIAN]: "native",
  [EXPLICIT_LITTLE_ENDIAN]: "native",
  "1.2.840.10008.1.2.1.99": "native", // deflated
  [EXPLICIT_BIG_ENDIAN]: "native",
  "1.2.840.10008.1.2.5": "rle",
  "1.2.840.10008.1.2.4.50": "jpeg",
  "1.2.840.10008.1.2.4.51": "jpeg", // where it has 8 bits
  "1.2.840.10008.1.2.4.57": "jpeg-lossless",
  "1.2.840.10008.1.2.4.70": "jpeg-lossless",
  "1.2.840.10008.1.2.4.80": "jpeg-ls",
  "1.2.840.10008.1.2.4.81": "jpeg-ls",
  "1.2.840.10008.1.2.4.90": "jpeg-2000",
  "1.2.840.10008.1.2.4.91": "jpeg-2000",
};

const UNREAD: readonly (readonly [RegExp, string])[] = [
  [/^1\.2\.840\.10008\.1\.2\.4\.(5[2-6]|5[89]|6[0-6])$/, "a retired kind of JPEG"],
  [/^1\.2\.840\.10008\.1\.2\.4\.9[2345]$/, "JPEG 2000 part 2 or JPIP"],
  [/^1\.2\.840\.10008\.1\.2\.4\.10\d(\.1)?$/, "a video (MPEG)"],
  [/^1\.2\.840\.10008\.1\.2\.4\.11\d$/, "JPEG XL"],
  [/^1\.2\.840\.10008\.1\.2\.4\.20\d$/, "High-Throughput JPEG 2000"],
];

/** @throws UnreadPictureError naming a transfer syntax that is not read */
export function encodingOf(transferSyntax: string): Encoding {
  const encoding = Object.hasOwn(READ, transferSyntax) ? READ[transferSyntax] : undefined;
  if (encoding) return encoding;
  const name = UNREAD.find(([pattern]) => pattern.test(transferSyntax))?.[1];
  const shown = /^[\d.]{1,64}$/.test(transferSyntax) ? transferSyntax : "that is no UID";
  throw new UnreadPictureError(
    `DICOM with the transfer syntax ${shown}${name ? ` (${name})` : ""}, which is not read here`,
  );
}
