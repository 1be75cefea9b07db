import { open, stat } from "node:fs/promises";
import { toGrey, toRgb, type Picture, type Preprocessing } from "@fracture/resnet";
import sharp from "sharp";
import { SNIFFED_BYTES, sniffImage, type ImageFormat } from "./imageFormat.ts";
import { conversion, type Conversion } from "./conversions.ts";
import { decodeDicom } from "./dicom/decodeDicom.ts";
import { decodePixels, type DecodedPixels, type ImageColour } from "./pixels.ts";
import { UnreadPictureError } from "./unreadPicture.ts";

/** A file that gives no picture. The message is `path: reason`. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
    this.path = path;
    this.reason = reason;
  }
}

/** Ten times a full radiograph of a chest. Held as 16-bit RGB it takes 600 MB. */
export const DEFAULT_MAX_PIXELS = 100_000_000;

/** Larger files are no pictures within any sensible pixel limit, and are not read into memory. */
const MAX_FILE_BYTES = 1 << 30;

/** Changes whenever a file may decode to other bytes than before: caches are void then. */
export const DECODER_VERSION = `3-${sharp.versions.vips}`;

export interface DecodeOptions {
  readonly channels: Preprocessing["channels"];
  /** Pictures of more pixels are refused before they are decoded. Default: DEFAULT_MAX_PIXELS. */
  readonly maxPixels?: number;
}

/** What a file was, and what was done to it on its way to a `Picture`. Nothing in it tells whose picture it is. */
export interface ImageSource {
  readonly format: ImageFormat;
  /** Of the picture, upright. */
  readonly width: number;
  readonly height: number;
  /** Of a sample in the file. */
  readonly bits: number;
  readonly colour: ImageColour;
  /** In the order in which they were done. */
  readonly conversions: readonly Conversion[];
}

export interface LoadedImage {
  readonly picture: Picture;
  readonly source: ImageSource;
}

/**
 * Decodes a JPEG, PNG, WebP, TIFF (first page), GIF or DICOM (first frame) to 8 bits a channel, judged by its content whatever its
 * name, and says what it did. No BMP, HEIF, JPEG 2000: those are refused by name. Of all but DICOM the values are Pillow's
 * (`Image.open(path).convert("L")` or `"RGB"`), byte for byte, with two deviations, both for the better: orientation is applied,
 * and 16 bits are scaled.
 *
 * - The orientation in EXIF, else in XMP, is applied.
 * - 16 bits become 8 by v · 255 / 65535, rounded: the same for every picture, no window is guessed.
 * - Alpha is dropped: what the file holds under transparent pixels counts. In a GIF that is black.
 * - A palette, 1, 2 and 4 bits are expanded.
 * - CMYK becomes RGB as in Pillow; embedded colour profiles and gamma are ignored, as in Pillow.
 * - RGB becomes grey by ITU-R 601 luma (see `toGrey`).
 * - DICOM goes through its rescaling and its first VOI LUT or window; without one, see `levelsOf`. MONOCHROME1 is inverted.
 *
 * @throws ImageError when the file can't be read, is no such picture, is truncated or corrupt, or exceeds a limit
 */
export async function loadImage(path: string, options: DecodeOptions): Promise<LoadedImage> {
  return loadImageBytes(await readImageFile(path), path, options);
}

/** `loadImage` for the content of a file; `path` is for messages. */
export async function loadImageBytes(bytes: Uint8Array, path: string, options: DecodeOptions): Promise<LoadedImage> {
  const format = formatOf(bytes, path);
  const { maxPixels = DEFAULT_MAX_PIXELS } = options;
  let decoded: DecodedPixels;
  try {
    decoded = await (format === "dicom" ? decodeDicom(bytes, maxPixels) : decodePixels(bytes, maxPixels));
  } catch (error) {
    throw new ImageError(path, reasonOf(error, format), { cause: error });
  }
  if (format === "png" && !isWholePng(bytes)) throw new ImageError(path, "truncated PNG (it has no end)");
  const { picture, bits, colour, conversions } = decoded;
  const { width, height, channels } = picture;
  const grey = options.channels === "grey";
  const more = grey && channels === 3 ? [conversion("grey")] : [];
  return {
    picture: grey ? toGrey(picture) : toRgb(picture),
    source: { format, width, height, bits, colour, conversions: [...conversions, ...more] },
  };
}

/** `loadImage`'s picture alone. */
export async function decodeImage(path: string, options: DecodeOptions): Promise<Picture> {
  return (await loadImage(path, options)).picture;
}

/** `loadImageBytes`'s picture alone. */
export async function decodeImageBytes(bytes: Uint8Array, path: string, options: DecodeOptions): Promise<Picture> {
  return (await loadImageBytes(bytes, path, options)).picture;
}

/**
 * The whole file, once its beginning has proved it a picture.
 *
 * @throws ImageError
 */
export async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    // Opening a pipe would wait for a writer, so the kind of file is looked at first.
    const { size } = await stat(path).then((found) => {
      if (!found.isFile()) throw new ImageError(path, found.isDirectory() ? "is a folder" : "is no regular file");
      return found;
    });
    if (size > MAX_FILE_BYTES) throw new ImageError(path, `${size} bytes are more than the limit of ${MAX_FILE_BYTES}`);
    const file = await open(path);
    try {
      const head = Buffer.alloc(SNIFFED_BYTES);
      const { bytesRead } = await file.read(head, 0, SNIFFED_BYTES, 0);
      formatOf(head.subarray(0, bytesRead), path);
      const whole = Buffer.allocUnsafe(size);
      let filled = 0;
      for (let read = -1; filled < size && read !== 0; filled += read) {
        read = (await file.read(whole, filled, size - filled, filled)).bytesRead;
      }
      return whole.subarray(0, filled);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ImageError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new ImageError(path, "there is no such file", { cause: error });
    throw new ImageError(path, `can't be read (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
}

function formatOf(bytes: Uint8Array, path: string): ImageFormat {
  const sniffed = sniffImage(bytes.subarray(0, SNIFFED_BYTES));
  if (sniffed.format === null) throw new ImageError(path, `is ${sniffed.what}`);
  return sniffed.format;
}

/** Chunks up to IEND lie within the file. libpng is content once it has the last pixel. */
function isWholePng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) return false;
    if (view.getUint32(at + 4) === IEND) return true;
    at = end;
  }
  return false;
}

const IEND = 0x49454e44;

/** One line out of libvips's several, without the names of its parts. */
function reasonOf(error: unknown, format: ImageFormat): string {
  if (error instanceof UnreadPictureError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split("\n").find((part) => part.trim() !== "") ?? "unknown error";
  const plain = line.replace(
    /^(Input buffer has corrupt header: |Input buffer contains )?(\w+(load_buffer|2vips|png|Jpeg): )?/,
    "",
  );
  const kind = /premature|unexpected end|unable to parse|read error at scanline/i.test(plain)
    ? "truncated or corrupt"
    : "corrupt";
  return `${kind} ${format.toUpperCase()} (${plain})`;
}
