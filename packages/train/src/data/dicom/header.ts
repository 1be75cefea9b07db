import { refuseTooLarge, UnreadPictureError } from "../unreadPicture.ts";
import { corrupt, PIXEL_DATA, type DataSet, type ParsedDicom } from "./dataSet.ts";
import { displayOf, type Display } from "./display.ts";

/** The image pixel module (PS3.3, C.7.6.3), checked. */
export interface PixelHeader {
  readonly rows: number;
  readonly columns: number;
  readonly samples: 1 | 3;
  readonly photometric: Photometric;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** Colours by plane rather than by pixel. */
  readonly planar: boolean;
  readonly frames: number;
}

export interface DicomHeader extends PixelHeader {
  readonly display: Display;
}

const PHOTOMETRIC = ["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"] as const;
export type Photometric = (typeof PHOTOMETRIC)[number];

const DICOMDIR = "1.2.840.10008.1.3.10";

/**
 * Reads what decides how pixels are decoded and shown, and nothing about the patient.
 *
 * @throws UnreadPictureError naming the attribute that is missing, senseless or not read here
 */
export function readHeader({ dataSet }: ParsedDicom, maxPixels: number): DicomHeader {
  try {
    refusePixelless(dataSet);
    const rows = needed(dataSet, "x00280010", "Rows");
    const columns = needed(dataSet, "x00280011", "Columns");
    refuseTooLarge(columns, rows, maxPixels);
    const header = pixelHeader(dataSet, rows, columns);
    return { ...header, display: displayOf(dataSet, header) };
  } catch (error) {
    throw corrupt(error);
  }
}

function pixelHeader(dataSet: DataSet, rows: number, columns: number): PixelHeader {
  const photometric = dataSet.string("x00280004")?.toUpperCase() ?? "";
  if (photometric === "") fail("without PhotometricInterpretation (0028,0004)", "");
  if (!isPhotometric(photometric))
    fail(`with the photometric interpretation ${/^[A-Z0-9_ ]{1,16}$/.test(photometric) ? photometric : "?"}`);
  const grey = photometric.startsWith("MONOCHROME");
  const samples = dataSet.uint16("x00280002") ?? (grey ? 1 : 3);
  if (samples !== (grey ? 1 : 3)) fail(`of ${samples} samples a pixel, which contradicts ${photometric}`, "");
  const bitsAllocated = needed(dataSet, "x00280100", "BitsAllocated");
  if (bitsAllocated !== 8 && bitsAllocated !== 16) fail(`with ${bitsAllocated} bits allocated`);
  const bitsStored = dataSet.uint16("x00280101") ?? bitsAllocated;
  const highBit = dataSet.uint16("x00280102") ?? bitsStored - 1;
  if (bitsStored < 1 || highBit >= bitsAllocated || highBit + 1 < bitsStored)
    fail(`that stores ${bitsStored} bits up to bit ${highBit} of ${bitsAllocated}`, ": that can't be");
  if (!grey && (bitsAllocated !== 8 || bitsStored !== 8)) fail(`with colours of ${bitsStored} bits`);
  return {
    rows,
    columns,
    samples,
    photometric,
    bitsAllocated,
    bitsStored,
    highBit,
    signed: dataSet.uint16("x00280103") === 1,
    planar: dataSet.uint16("x00280006") === 1,
    frames: Math.max(1, dataSet.intString("x00280008") ?? 1),
  };
}

const isPhotometric = (name: string): name is Photometric => (PHOTOMETRIC as readonly string[]).includes(name);

function refusePixelless(dataSet: DataSet): void {
  const { elements } = dataSet;
  if (elements[PIXEL_DATA]) return;
  if (elements["x7fe00008"] ?? elements["x7fe00009"]) fail("with pixels that are floating point numbers");
  if (dataSet.string("x00020002") === DICOMDIR) fail("directory: it lists pictures and holds none", "");
  fail("that holds no picture: there are no pixels (7fe0,0010)", "");
}

function needed(dataSet: DataSet, tag: string, name: string): number {
  const value = dataSet.uint16(tag);
  const shown = `${name} (${tag.slice(1, 5)},${tag.slice(5)})`;
  if (value === undefined) throw new UnreadPictureError(`DICOM without ${shown}`);
  if (value === 0) throw new UnreadPictureError(`DICOM whose ${shown} is 0`);
  return value;
}

function fail(what: string, why = ", which is not read here"): never {
  throw new UnreadPictureError(`DICOM ${what}${why}`);
}
