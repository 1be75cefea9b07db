import { conversion, type Conversion } from "../conversions.ts";
import { decodePixels, type DecodedPixels } from "../pixels.ts";
import { UnreadPictureError } from "../unreadPicture.ts";
import { decodeFrame } from "./codecs.ts";
import { jpeg2000Header, jpegHeader, type Codestream } from "./codestream.ts";
import { corrupt, parseDicomFile, PIXEL_DATA, type ParsedDicom } from "./dataSet.ts";
import { encapsulatedFrame, nativeFrame } from "./frame.ts";
import { readHeader, type DicomHeader, type PixelHeader } from "./header.ts";
import { levelsOf } from "./levels.ts";
import { decodeRle } from "./rle.ts";
import { encodingOf, EXPLICIT_BIG_ENDIAN, type Encoding } from "./transferSyntax.ts";

/** A frame's samples as the file stores them. */
interface Samples {
  /** Of 8 bits, or of 16, little endian. */
  readonly bytes: Uint8Array;
  readonly sampleBytes: 1 | 2;
  readonly planar: boolean;
  /** Colours are RGB already, whatever the file says: the codec has turned them. */
  readonly rgb: boolean;
}

/**
 * The first frame of a DICOM file in 8 bits: grey through the modality and VOI transformations (see `levelsOf`), or RGB. No attribute but
 * those that this takes is kept, and none appears in a message.
 *
 * @throws UnreadPictureError; nothing is decoded or allocated before the size is known to be within the limit
 */
export async function decodeDicom(bytes: Uint8Array, maxPixels: number): Promise<DecodedPixels> {
  const parsed = parseDicomFile(bytes, maxPixels);
  const header = readHeader(parsed, maxPixels);
  const encoding = encodingOf(parsed.transferSyntax);
  try {
    const samples = await samplesOf(parsed, header, encoding);
    const first = header.frames > 1 ? [conversion("firstOf", `the first of ${header.frames} frames`)] : [];
    const { rows: height, columns: width, bitsStored: bits } = header;
    if (header.samples === 3) {
      const { data, conversions } = coloursOf(samples, header);
      return {
        picture: { data, width, height, channels: 3 },
        bits,
        colour: "RGB",
        conversions: [...first, ...conversions],
      };
    }
    const { data, conversions } = levelsOf(codesOf(samples, header), header);
    return {
      picture: { data, width, height, channels: 1 },
      bits,
      colour: "grey",
      conversions: [...first, ...conversions],
    };
  } catch (error) {
    throw corrupt(error);
  }
}

async function samplesOf(
  { dataSet, transferSyntax }: ParsedDicom,
  header: PixelHeader,
  encoding: Encoding,
): Promise<Samples> {
  const { rows, columns, samples, bitsAllocated, planar } = header;
  const sampleBytes = bitsAllocated === 16 ? 2 : 1;
  const pixels = rows * columns;
  if (encoding === "native") {
    if (header.photometric === "YBR_FULL_422")
      throw new UnreadPictureError("DICOM in YBR_FULL_422 without compression, which is not read here");
    const swapped =
      transferSyntax === EXPLICIT_BIG_ENDIAN && (sampleBytes === 2 || dataSet.elements[PIXEL_DATA]!.vr === "OW");
    const length = pixels * samples * sampleBytes;
    // Words are swapped whole: the last of an odd number of bytes lies behind its padding.
    const bytes = nativeFrame(dataSet, swapped ? length + (length % 2) : length);
    return { bytes: swapped ? Buffer.from(bytes).swap16() : bytes, sampleBytes, planar, rgb: false };
  }
  const frame = encapsulatedFrame(dataSet, header.frames);
  if (encoding === "rle")
    return { bytes: decodeRle(frame, pixels, samples, sampleBytes), sampleBytes, planar: true, rgb: false };
  const stream = encoding === "jpeg-2000" ? jpeg2000Header(frame) : jpegHeader(frame);
  refuseOther(stream, header);
  const decoded = await decompressed(frame, encoding, stream, header);
  const expected = pixels * samples * decoded.sampleBytes;
  // More is as wrong as less: the codestream is not the one whose header was looked at.
  if (decoded.bytes.length !== expected)
    throw new UnreadPictureError(`corrupt DICOM (${decoded.bytes.length} bytes where ${expected} are needed)`);
  return decoded;
}

async function decompressed(
  frame: Uint8Array,
  encoding: Encoding,
  { bits }: Codestream,
  { rows, columns, photometric }: PixelHeader,
): Promise<Samples> {
  if (encoding === "jpeg-2000" || encoding === "jpeg-ls" || encoding === "jpeg-lossless") {
    const { samples: bytes, planar } = await decodeFrame(encoding, frame, rows * columns);
    // Of colours, only JPEG 2000 has transformations of its own.
    return { bytes, sampleBytes: bits > 8 ? 2 : 1, planar, rgb: /ICT|RCT/.test(photometric) };
  }
  if (bits !== 8) throw new UnreadPictureError(`DICOM with a lossy JPEG of ${bits} bits, which is not read here`);
  const jpeg = photometric === "RGB" ? markedRgb(frame) : frame;
  // How a picture lies the DICOM file says, whatever a camera left in the JPEG that was put into it.
  const { picture } = await decodePixels(jpeg, rows * columns, { upright: false });
  return { bytes: picture.data, sampleBytes: 1, planar: false, rgb: true };
}

/** A codestream that is larger than the file says would get past the limit on pixels. */
function refuseOther({ width, height, components, bits }: Codestream, { rows, columns, samples }: PixelHeader): void {
  if (width === columns && height === rows && components === samples && bits <= 16) return;
  throw new UnreadPictureError(
    `corrupt DICOM (${columns} x ${rows} pixels of ${samples}, but the compressed ones are ${width} x ${height} of ${components}, ${bits} bits)`,
  );
}

/** libjpeg takes three components for YCbCr unless an Adobe marker says that nothing was transformed. */
function markedRgb(jpeg: Uint8Array): Uint8Array {
  const marker = Buffer.from([0xff, 0xee, 0, 14, ...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, 0]);
  return Buffer.concat([jpeg.subarray(0, 2), marker, jpeg.subarray(2)]);
}

/** [pixels], as `bitsStored` bits each: what else is in a word (overlays, in old files) is masked. */
function codesOf(
  { bytes, sampleBytes }: Samples,
  { rows, columns, bitsStored, highBit, bitsAllocated }: DicomHeader,
): Uint16Array {
  const shift = sampleBytes * 8 === bitsAllocated ? highBit + 1 - bitsStored : 0;
  const mask = (1 << bitsStored) - 1;
  const codes = new Uint16Array(rows * columns);
  for (let i = 0; i < codes.length; i++) {
    const word = sampleBytes === 1 ? bytes[i]! : bytes[2 * i]! | (bytes[2 * i + 1]! << 8);
    codes[i] = (word >> shift) & mask;
  }
  return codes;
}

function coloursOf(
  { bytes, planar, rgb }: Samples,
  { rows, columns, photometric }: DicomHeader,
): { data: Uint8Array; conversions: readonly Conversion[] } {
  const pixels = rows * columns;
  const data = new Uint8Array(3 * pixels);
  for (let i = 0, to = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) data[to++] = bytes[planar ? c * pixels + i : 3 * i + c]!;
  if (photometric === "RGB") return { data, conversions: [] };
  if (!rgb) ybrToRgb(data);
  return { data, conversions: [conversion("ybr", `${photometric} turned into RGB`)] };
}

/** PS3.3, C.7.6.3.1.2: full range, ITU-R 601 weights. */
function ybrToRgb(data: Uint8Array): void {
  const level = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
  for (let i = 0; i < data.length; i += 3) {
    const [y, b, r] = [data[i]!, data[i + 1]! - 128, data[i + 2]! - 128];
    data[i] = level(y + 1.402 * r);
    data[i + 1] = level(y - 0.344136 * b - 0.714136 * r);
    data[i + 2] = level(y + 1.772 * b);
  }
}
