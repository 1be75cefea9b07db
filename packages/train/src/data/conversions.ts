/** What the loader may do to a picture on its way to 8 bits, by kind; what counts of many pictures are called by. */
export const CONVERSIONS = {
  bits: "more than 8 bits scaled to 8",
  fewBits: "1, 2 or 4 bits expanded to 8",
  palette: "palette expanded",
  alpha: "alpha dropped",
  cmyk: "CMYK turned into RGB",
  profile: "colour profile not applied",
  orientation: "turned upright",
  firstOf: "the first of several pages or frames",
  grey: "colours turned into grey",
  ybr: "YBR turned into RGB",
  rescale: "DICOM rescale slope and intercept applied",
  modalityLut: "DICOM modality LUT applied",
  window: "DICOM window applied",
  voiLut: "DICOM VOI LUT applied",
  range: "DICOM without a window: least to most stretched to 8 bits",
  inverted: "MONOCHROME1 inverted",
} as const;

export type ConversionKind = keyof typeof CONVERSIONS;

export const CONVERSION_KINDS = Object.keys(CONVERSIONS) as ConversionKind[];

/** One of them, with this picture's numbers. */
export interface Conversion {
  readonly kind: ConversionKind;
  /** Such as "window 2048/4096 applied". */
  readonly text: string;
}

export const conversion = (kind: ConversionKind, text: string = CONVERSIONS[kind]): Conversion => ({ kind, text });
