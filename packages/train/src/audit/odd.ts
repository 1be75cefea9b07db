import { extname } from "node:path";
import type { ImageFormat } from "../data/imageFormat.ts";
import type { Fingerprint } from "./fingerprint.ts";

const EXTENSIONS: Readonly<Record<ImageFormat, readonly string[]>> = {
  jpeg: [".jpg", ".jpeg", ".jpe", ".jfif"],
  png: [".png"],
  webp: [".webp"],
  tiff: [".tif", ".tiff"],
  gif: [".gif"],
  // Archives and viewers name DICOM files by number or UID, so that any ending is as good as none.
  dicom: [".dcm", ".dicom", ".dic", ".ima", ""],
};

const SMALL = 32;
const LONG = 4;

/** What is strange about a picture that can be read all the same; null where nothing is. */
export function oddity(path: string, { format, width, height, detail }: Fingerprint): string | null {
  const extension = extname(path).toLowerCase();
  if (detail === null) return "shows nothing: all of it has one level";
  if (Math.min(width, height) < SMALL) return `has only ${width} x ${height} pixels`;
  if (Math.max(width, height) > LONG * Math.min(width, height))
    return `is long and narrow: ${width} x ${height} pixels`;
  if (!EXTENSIONS[format].includes(extension)) return `is a ${format.toUpperCase()}, whatever its name says`;
  return null;
}
