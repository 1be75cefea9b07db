import type { ImageView, PictureBox } from "@fracture/tensor";
import { draw, type DrawSource } from "./draws.ts";

/** How differently a sample may look from epoch to epoch: crop, rotation, flip, brightness, contrast, in this order. */
export interface Augmentation {
  /** Least and greatest part of the picture's area that is shown (torchvision's RandomResizedCrop). */
  readonly scale: readonly [number, number];
  /** Least and greatest ratio of width to height of what is shown; the ratio's logarithm is uniform. */
  readonly ratio: readonly [number, number];
  /** The probability that left and right are exchanged. */
  readonly flip: number;
  /** Degrees that a picture is turned at the most, either way (torchvision's RandomRotation, about the middle of what is shown). */
  readonly rotation: number;
  /** The levels are multiplied by a number from 1 - brightness to 1 + brightness (torchvision's ColorJitter). */
  readonly brightness: number;
  /** The levels' distance from their mean is multiplied by a number from 1 - contrast to 1 + contrast (ColorJitter). */
  readonly contrast: number;
}

/**
 * For radiographs. Flips and rotations are those of the MURA study (Rajpurkar et al. 2017, arXiv:1712.06957: lateral
 * inversions, up to 30 degrees), the rotation halved because an X-ray in a folder is usually upright. The crop keeps 70% of the area,
 * not RandomResizedCrop's 8%, and changes proportions by a tenth: a crop that misses the fracture would teach a wrong label, and bones have
 * their proportions. Brightness and contrast stand for exposure.
 */
export const DEFAULT_AUGMENTATION: Augmentation = {
  scale: [0.7, 1],
  ratio: [0.9, 1 / 0.9],
  flip: 0.5,
  rotation: 15,
  brightness: 0.2,
  contrast: 0.2,
};

/** An augmentation that can't be carried out. */
export class AugmentationError extends RangeError {
  override readonly name = "AugmentationError";
  readonly option: string;

  constructor(option: string, rule: string, value: unknown) {
    super(`augmentation: ${option} must be ${rule}, got ${JSON.stringify(value)}`);
    this.option = option;
  }
}

/** Throws an AugmentationError that names the option which makes no sense. */
export function checkAugmentation(augmentation: Augmentation): void {
  const { scale, ratio, flip, rotation } = augmentation;
  if (!(scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1))
    throw new AugmentationError("scale", "two parts of the area, above 0 and up to 1, the least first", scale);
  if (!(ratio[0] > 0 && ratio[0] <= ratio[1] && ratio[1] < Infinity))
    throw new AugmentationError("ratio", "two ratios above 0, the least first", ratio);
  if (!(flip >= 0 && flip <= 1)) throw new AugmentationError("flip", "a probability from 0 to 1", flip);
  if (!(rotation >= 0 && rotation <= 180)) throw new AugmentationError("rotation", "from 0 to 180 degrees", rotation);
  for (const option of ["brightness", "contrast"] as const) {
    if (!(augmentation[option] >= 0 && augmentation[option] <= 1))
      throw new AugmentationError(option, "from 0 to 1", augmentation[option]);
  }
}

/** A stored picture's size in pixels. */
export interface PictureExtent {
  readonly width: number;
  readonly height: number;
}

/** How a sample looks; which picture it is and its mean level are the store's. */
export type SampleView = Omit<ImageView, "picture" | "pivot">;

/** Without augmentation: the largest centred square, which is the whole of a square picture. */
export function plainView({ width, height }: PictureExtent): SampleView {
  const side = Math.min(width, height);
  return { box: centred({ width, height }, side, side) };
}

/**
 * How a sample looks in an epoch, a pure function of (seed, epoch, sample): neither the batch nor a resume can change it.
 * The crop's place and size are fractions of pixels, else it is torchvision's RandomResizedCrop, its ten attempts included.
 */
export function augmentedView(augmentation: Augmentation, picture: PictureExtent, source: DrawSource): SampleView {
  const { flip, rotation, brightness, contrast } = augmentation;
  const [flipped, turned, lit, contrasted] = draw("augment", source, 0);
  return {
    box: resizedCrop(augmentation, picture, source),
    flip: flipped < flip,
    rotation: between(-rotation, rotation, turned),
    brightness: between(1 - brightness, 1 + brightness, lit),
    contrast: between(1 - contrast, 1 + contrast, contrasted),
  };
}

const CROP_ATTEMPTS = 10;

function resizedCrop({ scale, ratio }: Augmentation, picture: PictureExtent, source: DrawSource): PictureBox {
  const area = picture.width * picture.height;
  for (let attempt = 1; attempt <= CROP_ATTEMPTS; attempt++) {
    const [part, shape, left, top] = draw("augment", source, attempt);
    const shown = area * between(...scale, part);
    const proportion = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1]), shape));
    const [width, height] = [Math.sqrt(shown * proportion), Math.sqrt(shown / proportion)];
    if (width <= picture.width && height <= picture.height)
      return { left: left * (picture.width - width), top: top * (picture.height - height), width, height };
  }
  // As torchvision: the largest centred box of the nearest ratio
  const proportion = Math.min(ratio[1], Math.max(ratio[0], picture.width / picture.height));
  const height = Math.min(picture.height, picture.width / proportion);
  return centred(picture, height * proportion, height);
}

const centred = (picture: PictureExtent, width: number, height: number): PictureBox => ({
  left: (picture.width - width) / 2,
  top: (picture.height - height) / 2,
  width,
  height,
});

const between = (low: number, high: number, u: number): number => low + (high - low) * u;
