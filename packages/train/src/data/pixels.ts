import type { Picture } from "@fracture/resnet";
import sharp, { type Metadata, type OutputInfo, type Sharp } from "sharp";
import { conversion, type Conversion } from "./conversions.ts";
import { orientationOf, turnUpright } from "./orientation.ts";
import { refuseTooLarge, UnreadPictureError } from "./unreadPicture.ts";

export interface DecodedPixels {
  readonly picture: Picture;
  /** Of a sample, or of a palette's index, in the file. */
  readonly bits: number;
  readonly colour: ImageColour;
  readonly conversions: readonly Conversion[];
}

/** How a file keeps its colours. */
export type ImageColour = "grey" | "RGB" | "CMYK" | "palette";

/** How a colour space of libvips is read: as which, with how many channels before alpha, to what. */
const SPACES: Readonly<Record<string, { readonly colours: 1 | 3 | 4; readonly bits: 8 | 16 }>> = {
  "b-w": { colours: 1, bits: 8 },
  srgb: { colours: 3, bits: 8 },
  rgb: { colours: 3, bits: 8 },
  cmyk: { colours: 4, bits: 8 },
  grey16: { colours: 1, bits: 16 },
  rgb16: { colours: 3, bits: 16 },
};

/**
 * The pixels of a picture's first page, in 8 bits, grey where the file is grey; conversions as `decodeImage` says.
 * sharp's own conversions are all avoided: they go through colour profiles and linear light.
 *
 * @param options `upright`: turned as EXIF or XMP says. Default: true
 */
export async function decodePixels(
  bytes: Uint8Array,
  maxPixels: number,
  { upright = true }: { readonly upright?: boolean } = {},
): Promise<DecodedPixels> {
  const header = await readHeader(bytes, maxPixels);
  const { width, height, space, depth } = header;
  const reading = SPACES[space];
  if (!reading || (reading.bits === 8 ? "uchar" : "ushort") !== depth) {
    throw new UnreadPictureError(`pixels of type ${depth} in the colour space ${space} are not read here`);
  }
  const { data, info } = await readRaw(
    bytes,
    (image) => {
      const native = image.pipelineColourspace(space).toColourspace(space);
      return reading.bits === 8 ? native.raw() : native.raw({ depth: "ushort" });
    },
    maxPixels,
  );
  if (info.width !== width || info.height !== height || info.channels < reading.colours) {
    throw new UnreadPictureError(
      `${info.channels} channels of ${info.width} x ${info.height} pixels were not expected`,
    );
  }
  const eight = reading.bits === 8 ? data : scaleTo8(new Uint16Array(data.buffer, data.byteOffset, data.length / 2));
  const colours = dropAlpha(eight, info.channels, reading.colours);
  const picture: Picture = {
    data: reading.colours === 4 ? cmykToRgb(colours) : colours,
    width,
    height,
    channels: reading.colours === 1 ? 1 : 3,
  };
  const orientation = upright ? orientationOf(header) : 1;
  const { isPalette, pages = 1, hasProfile, bitsPerSample: bits = reading.bits } = header;
  const colour = isPalette ? "palette" : (COLOURS[reading.colours] ?? "RGB");
  const conversions: Conversion[] = [];
  if (pages > 1) conversions.push(conversion("firstOf", `the first of ${pages} pages or frames`));
  if (isPalette) conversions.push(conversion("palette"));
  else if (bits < 8) conversions.push(conversion("fewBits", `${bits} ${bits === 1 ? "bit" : "bits"} expanded to 8`));
  if (bits > 8) conversions.push(conversion("bits", `${bits} bits scaled to 8`));
  if (header.hasAlpha) conversions.push(conversion("alpha"));
  if (reading.colours === 4) conversions.push(conversion("cmyk"));
  if (hasProfile) conversions.push(conversion("profile"));
  if (orientation !== 1) conversions.push(conversion("orientation", `turned upright (EXIF ${orientation})`));
  return { picture: turnUpright(picture, orientation), bits, colour, conversions };
}

const COLOURS: Readonly<Record<number, ImageColour>> = { 1: "grey", 3: "RGB", 4: "CMYK" };

/** Size and kind; no pixel is decoded before the size is known to be within the limit. */
async function readHeader(bytes: Uint8Array, maxPixels: number): Promise<Metadata> {
  const header = await sharp(bytes, { limitInputPixels: false, failOn: "error" }).metadata();
  refuseTooLarge(header.width, header.height, maxPixels);
  return header;
}

/** What decoders warn of that shows in the picture. They warn of odd metadata too, which does not. */
const DAMAGE = /Corrupt JPEG data|Invalid frame data/;

/**
 * A few bytes before a marker are padding that some writers leave; many are a picture that ended early. Markers 0xd0 to 0xd7
 * lie between pixels, where there is no padding.
 */
const PADDING = /Corrupt JPEG data: (\d+) extraneous bytes before marker 0x(?!d[0-7])/;
const MAX_PADDING = 64;

async function readRaw(
  bytes: Uint8Array,
  pipeline: (image: Sharp) => Sharp,
  maxPixels: number,
): Promise<{ data: Uint8Array; info: OutputInfo }> {
  const limitInputPixels = Number.isFinite(maxPixels) && maxPixels;
  const read = async (failOn: "warning" | "error") => {
    const image = pipeline(sharp(bytes, { limitInputPixels, ignoreIcc: true, failOn }));
    const { data, info } = await image.toBuffer({ resolveWithObject: true });
    // A plain array: a Buffer's slice would share its memory.
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), info };
  };
  try {
    return await read("warning");
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const padding = PADDING.exec(message);
    if (padding ? Number(padding[1]) > MAX_PADDING : DAMAGE.test(message)) throw error;
    return await read("error");
  }
}

/** v · 255 / 65535, rounded to the nearest. */
function scaleTo8(values: Uint16Array): Uint8Array {
  const scaled = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) scaled[i] = (values[i]! * 255 + 32895) >> 16;
  return scaled;
}

/** The first `colours` of each pixel's `channels`. */
function dropAlpha(data: Uint8Array, channels: number, colours: number): Uint8Array {
  if (channels === colours) return data;
  const kept = new Uint8Array((data.length / channels) * colours);
  for (let from = 0, to = 0; to < kept.length; from += channels) {
    for (let c = 0; c < colours; c++) kept[to++] = data[from + c]!;
  }
  return kept;
}

/** As Pillow's `cmyk2rgb`: white less black, less the ink's share of that. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const light = 255 - cmyk[from + 3]!;
    for (let c = 0; c < 3; c++) {
      const share = cmyk[from + c]! * light + 128;
      rgb[to++] = light - (((share >> 8) + share) >> 8);
    }
  }
  return rgb;
}
