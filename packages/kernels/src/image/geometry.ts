import { GeometryError } from "../errors.ts";
import { checkSizes } from "../plan.ts";
import type { ActivationType } from "../stored.ts";

/** Mean and standard deviation of each output channel (red, green, blue), in units where white is 1. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** 8-bit pictures of one size: rows of pixels, a pixel's channels side by side. */
export interface PictureSizes {
  readonly height: number;
  readonly width: number;
  /** 1 for grey, 3 for red, green, blue. */
  readonly channels: number;
}

export interface ImageSizes extends PictureSizes {
  /** Pictures that the views choose from. */
  readonly pictures: number;
  /** Views to be made: the batch. */
  readonly n: number;
  /** Height and width of each view. */
  readonly size: number;
  /** How the views are stored. Default: "f32". */
  readonly dtype?: ActivationType;
}

/** Pictures of 8 bits [pictures, height, width, channels] -> views [n, size, size, 3]. */
export interface ImageGeometry extends ImageSizes, Normalization {}

/** The u32 that hold a picture: four bytes each, the first one lowest; each picture begins at a u32. */
export const pictureWords = ({ height, width, channels }: PictureSizes): number =>
  Math.ceil((height * width * channels) / 4);

/** Checks the sizes. Throws GeometryError. */
export function imageGeometry(sizes: ImageSizes, { mean, std }: Normalization): ImageGeometry {
  const { pictures, height, width, channels, n, size, dtype = "f32" } = sizes;
  checkSizes("image", { pictures, height, width, channels, n, size });
  if (channels !== 1 && channels !== 3) {
    throw new GeometryError("image", "a picture has 1 channel (grey) or 3 (red, green, blue)", { channels });
  }
  if (![...mean, ...std].every(Number.isFinite) || mean.length !== 3 || std.length !== 3 || !std.every((s) => s > 0)) {
    throw new GeometryError("image", "mean and std need three finite numbers each, std above 0", { mean, std });
  }
  return { pictures, height, width, channels, n, size, dtype, mean, std };
}

export const describeImage = ({ pictures, height, width, channels, n, size, dtype = "f32" }: ImageGeometry): string =>
  `${dtype === "f16" ? "f16 " : ""}[${pictures},${height},${width},${channels}] to [${n},${size},${size},3]`;
