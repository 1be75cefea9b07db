import type { Picture } from "@fracture/resnet";
import type { Metadata } from "sharp";

/** How a file's first row and column lie in the upright picture: the numbers of EXIF's tag 0x0112. 1 is upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** From EXIF, else from the places where PNG writers keep it: ImageMagick's text chunk, and XMP. The order is Pillow's. */
export function orientationOf({
  orientation,
  comments,
  xmpAsString,
}: Pick<Metadata, "orientation" | "comments" | "xmpAsString">): Orientation {
  const profile = comments?.find(({ keyword }) => keyword === "Raw profile type exif")?.text;
  const xmp = xmpAsString && /tiff:Orientation(?:="|>)(\d)/.exec(xmpAsString)?.[1];
  const found = orientation ?? (profile && orientationInProfile(profile)) ?? (xmp && Number(xmp));
  return isOrientation(found) ? found : 1;
}

function isOrientation(value: unknown): value is Orientation {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 8;
}

/** ImageMagick's form: a line "exif", a line with the length, then hexadecimal digits of "Exif\0\0" and a TIFF header. */
function orientationInProfile(profile: string): number | undefined {
  const bytes = Buffer.from(profile.split("\n").slice(3).join(""), "hex");
  const tiff = bytes.subarray(bytes.toString("latin1").startsWith("Exif\0\0") ? 6 : 0);
  const little = tiff.toString("latin1", 0, 2) === "II";
  const short = (at: number) => (at + 2 > tiff.length ? 0 : little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const long = (at: number) => (at + 4 > tiff.length ? 0 : little ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const folder = long(4);
  for (let entry = 0; entry < short(folder); entry++) {
    const at = folder + 2 + 12 * entry;
    if (short(at) === ORIENTATION_TAG && short(at + 2) === SHORT) return short(at + 8);
  }
  return undefined;
}

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

/** The picture upright. Only moves pixels; returns the picture itself where nothing moves. */
export function turnUpright(picture: Picture, orientation: Orientation): Picture {
  if (orientation === 1) return picture;
  const { data, width, height, channels } = picture;
  const sideways = orientation >= 5;
  const out = { width: sideways ? height : width, height: sideways ? width : height };
  // The output's pixel (x, y) is the input's pixel start + x·right + y·down.
  const [start, right, down] = STEPS[orientation](width, height);
  const upright = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++) {
      const from = (start + x * right + y * down) * channels;
      for (let c = 0; c < channels; c++) upright[to++] = data[from + c]!;
    }
  }
  return { data: upright, ...out, channels };
}

const STEPS: Readonly<Record<Orientation, (w: number, h: number) => readonly [number, number, number]>> = {
  1: (w) => [0, 1, w],
  2: (w) => [w - 1, -1, w],
  3: (w, h) => [w * h - 1, -1, -w],
  4: (w, h) => [w * (h - 1), 1, -w],
  5: (w) => [0, w, 1],
  6: (w, h) => [w * (h - 1), -w, 1],
  7: (w, h) => [w * h - 1, -w, -1],
  8: (w) => [w - 1, w, -1],
};
