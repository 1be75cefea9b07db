import type { DataSet, Element } from "./dataSet.ts";
import { UnreadPictureError } from "../unreadPicture.ts";

/** A look-up table of PS3.3, C.11.1 and C.11.2. */
export interface LookUp {
  /** The input that the first entry is for; smaller ones have the first entry, larger ones the last. */
  readonly first: number;
  readonly bits: number;
  readonly entries: ArrayLike<number>;
}

export interface Window {
  readonly centre: number;
  readonly width: number;
  readonly shape: "LINEAR" | "LINEAR_EXACT" | "SIGMOID";
  /** How many the file offers: this is the first. */
  readonly of: number;
}

/** How stored values become levels to look at. */
export interface Display {
  readonly modality: LookUp | { readonly slope: number; readonly intercept: number };
  /** Null: the file says nothing of it. */
  readonly voi: LookUp | Window | null;
  /** Stored values that are no part of the picture, from and to. */
  readonly padding: readonly [number, number] | null;
}

const MODALITY_LUT = "x00283000";
const VOI_LUT = "x00283010";

/**
 * The modality transformation, and the VOI one: the first VOI LUT, else the first window. Of a picture with functional groups, the
 * first frame's.
 *
 * @throws UnreadPictureError where a LUT is not as long as it says
 */
export function displayOf(dataSet: DataSet, { signed }: { readonly signed: boolean }): Display {
  const table = (tag: string, owner: DataSet): LookUp | null => {
    const item = owner.elements[tag]?.items?.[0]?.dataSet;
    return item ? lookUpOf(item, signed) : null;
  };
  const rescaling = groupOf(dataSet, "x00281053", "x00289145");
  const modality = table(MODALITY_LUT, dataSet) ?? {
    slope: finite(rescaling.floatString("x00281053")) ?? 1,
    intercept: finite(rescaling.floatString("x00281052")) ?? 0,
  };
  const voi = table(VOI_LUT, dataSet) ?? windowOf(groupOf(dataSet, "x00281050", "x00289132"));
  return { modality, voi, padding: paddingOf(dataSet, signed) };
}

/** The data set that holds an attribute: this one, else the first frame's functional group, else that of all frames. */
function groupOf(dataSet: DataSet, tag: string, group: string): DataSet {
  if (dataSet.elements[tag]) return dataSet;
  for (const groups of ["x52009230", "x52009229"]) {
    const first = dataSet.elements[groups]?.items?.[0]?.dataSet?.elements[group]?.items?.[0]?.dataSet;
    if (first?.elements[tag]) return first;
  }
  return dataSet;
}

/** Null where there is none, or one without sense. */
function windowOf(dataSet: DataSet): Window | null {
  const centre = finite(dataSet.floatString("x00281050", 0));
  const width = finite(dataSet.floatString("x00281051", 0));
  const named = dataSet.string("x00281056");
  const shape = named === "LINEAR_EXACT" || named === "SIGMOID" ? named : "LINEAR";
  if (centre === null || width === null || width <= 0 || (shape === "LINEAR" && width < 1)) return null;
  return { centre, width, shape, of: dataSet.numStringValues("x00281051") ?? 1 };
}

function lookUpOf(item: DataSet, signed: boolean): LookUp {
  const descriptor = item.elements["x00283002"];
  const data = item.elements["x00283006"];
  if (!descriptor || !data) throw new UnreadPictureError("DICOM with a look-up table without descriptor or data");
  // 0 stands for 65,536.
  const count = item.uint16("x00283002", 0)! || 65536;
  const bits = item.uint16("x00283002", 2)!;
  const isSigned = descriptor.vr === "SS" || (descriptor.vr !== "US" && signed);
  const first = isSigned ? item.int16("x00283002", 1)! : item.uint16("x00283002", 1)!;
  if (bits < 1 || bits > 16) throw new UnreadPictureError(`DICOM with a look-up table of ${bits} bits`);
  return { first, bits, entries: entriesOf(item, data, count) };
}

function entriesOf(item: DataSet, data: Element, count: number): Uint8Array | Uint16Array {
  const { byteArray, byteArrayParser } = item;
  const bytes = Math.min(data.length, byteArray.length - data.dataOffset);
  if (bytes < count) throw new UnreadPictureError(`DICOM with a look-up table of ${bytes} bytes for ${count} entries`);
  // Entries of 8 bits may be packed.
  if (bytes < 2 * count) return byteArray.subarray(data.dataOffset, data.dataOffset + count);
  return Uint16Array.from({ length: count }, (_, i) => byteArrayParser.readUint16(byteArray, data.dataOffset + 2 * i));
}

function paddingOf(dataSet: DataSet, signed: boolean): readonly [number, number] | null {
  const read = (tag: string): number | undefined => (signed ? dataSet.int16(tag) : dataSet.uint16(tag));
  const value = read("x00280120");
  if (value === undefined) return null;
  const limit = read("x00280121") ?? value;
  return [Math.min(value, limit), Math.max(value, limit)];
}

const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;
