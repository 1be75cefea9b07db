import { toGrey, toRgb } from "./colour.ts";
import { PreprocessingError, type Picture } from "./picture.ts";
import { resizeBilinear, type Window } from "./resize.ts";

/**
 * What is done to a picture of any size before a network sees it. It belongs to the weights: it is stored with them, and
 * they are used with no other.
 */
export interface Preprocessing {
  /** The shorter side is resized to this many pixels; the longer one follows. */
  readonly resize: number;
  /** Side of the square that is cut from the centre. */
  readonly crop: number;
  /** "grey": luma first, then three times the same channel. */
  readonly channels: "grey" | "rgb";
  /** Of the three channels, for values from 0 to 1. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Pillow's bilinear filter, antialiased, on 8-bit values. */
  readonly interpolation: "bilinear";
}

/** Of the photographs that the published weights were trained on. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
export const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

/** How torchvision's published weights are used: V1 resizes to 256, V2 to 232; both crop to 224. */
export const IMAGENET_PREPROCESSING = {
  V1: { resize: 256, crop: 224, channels: "rgb", mean: IMAGENET_MEAN, std: IMAGENET_STD, interpolation: "bilinear" },
  V2: { resize: 232, crop: 224, channels: "rgb", mean: IMAGENET_MEAN, std: IMAGENET_STD, interpolation: "bilinear" },
} as const satisfies Record<string, Preprocessing>;

/**
 * The preprocessing of what is trained here: the shorter side to `size`, the centre cropped, so that a picture of
 * `size` x `size` pixels passes untouched. Normalised as ImageNet's unless `mean` and `std` say otherwise.
 */
export function workingPreprocessing(
  size: number,
  options: Partial<Pick<Preprocessing, "channels" | "mean" | "std">> = {},
): Preprocessing {
  return parsePreprocessing({
    resize: size,
    crop: size,
    channels: "grey",
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    interpolation: "bilinear",
    ...options,
  });
}

/**
 * A preprocessing read from a file: only its own fields, each checked.
 *
 * @throws PreprocessingError naming the field, what it holds and what it should hold
 */
export function parsePreprocessing(value: unknown): Preprocessing {
  if (typeof value !== "object" || value === null) throw new PreprocessingError("preprocessing", "expected an object");
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const field = <T>(name: string, expected: string, read: (found: unknown) => T | null): T => {
    const result = read(fields[name]);
    if (result !== null) return result;
    throw new PreprocessingError(`preprocessing.${name}`, `expected ${expected}, got ${JSON.stringify(fields[name])}`);
  };
  const side = (found: unknown): number | null =>
    typeof found === "number" && Number.isInteger(found) && found >= 1 && found <= MAX_SIDE ? found : null;
  const one =
    <T>(choices: readonly T[]) =>
    (found: unknown): T | null =>
      choices.find((choice) => choice === found) ?? null;
  const resize = field("resize", `an integer from 1 to ${MAX_SIDE}`, side);
  return {
    resize,
    crop: field("crop", `an integer from 1 to resize (${resize})`, (found) => {
      const crop = side(found);
      return crop !== null && crop <= resize ? crop : null;
    }),
    channels: field("channels", `"grey" or "rgb"`, one(["grey", "rgb"])),
    mean: field("mean", "three finite numbers", (found) => triple(found, () => true)),
    std: field("std", "three finite numbers > 0", (found) => triple(found, (number) => number > 0)),
    interpolation: field("interpolation", `"bilinear"`, one(["bilinear"])),
  };
}

const MAX_SIDE = 16384;

function triple(found: unknown, fits: (number: number) => boolean): [number, number, number] | null {
  if (!Array.isArray(found) || found.length !== 3) return null;
  const numbers = found.filter((n): n is number => typeof n === "number" && Number.isFinite(n) && fits(n));
  const [a, b, c] = numbers;
  return a !== undefined && b !== undefined && c !== undefined ? [a, b, c] : null;
}

/** Size of a picture whose shorter side becomes `size`: the longer one is cut, not rounded, as torchvision's `Resize`. */
export function shorterSideTo(
  size: number,
  { width, height }: { readonly width: number; readonly height: number },
): { readonly width: number; readonly height: number } {
  return width <= height
    ? { width: size, height: Math.trunc((size * height) / width) }
    : { width: Math.trunc((size * width) / height), height: size };
}

/** The square of `crop` pixels in the centre, placed as torchvision's `CenterCrop`. */
export function centerOf(crop: number, { width, height }: { readonly width: number; readonly height: number }): Window {
  return { x: halfToEven((width - crop) / 2), y: halfToEven((height - crop) / 2), width: crop, height: crop };
}

/** Python's `round`, for numbers that are whole or half. */
function halfToEven(value: number): number {
  return Number.isInteger(value) ? value : 2 * Math.round(value / 2);
}

/** Colours, size and crop of the preprocessing, still in 8 bits: [crop, crop, 1 or 3]. */
export function cropTo(
  picture: Picture,
  { resize, crop, channels }: Pick<Preprocessing, "resize" | "crop" | "channels">,
): Picture {
  const coloured = channels === "grey" ? toGrey(picture) : toRgb(picture);
  const size = shorterSideTo(resize, coloured);
  return resizeBilinear(coloured, { ...size, window: centerOf(crop, size) });
}

/**
 * What the network takes: [h, w, 3], grey three times over, each value / 255, less the mean, by the deviation; every step
 * in f32, bit for bit as torchvision's `ToTensor` and `Normalize`.
 */
export function normalise(picture: Picture, { mean, std }: Pick<Preprocessing, "mean" | "std">): Float32Array {
  const { fround } = Math;
  const table = mean.map((m, c) =>
    Float32Array.from({ length: 256 }, (_, v) => fround(fround(v / 255) - fround(m)) / fround(std[c]!)),
  );
  const { data, channels } = picture;
  const pixels = data.length / channels;
  const out = new Float32Array(3 * pixels);
  for (let c = 0; c < 3; c++) {
    const row = table[c]!;
    const from = channels === 3 ? c : 0;
    for (let i = 0; i < pixels; i++) out[3 * i + c] = row[data[channels * i + from]!]!;
  }
  return out;
}

/** From a decoded picture to the network's input, [crop, crop, 3]: `cropTo`, then `normalise`. */
export function preprocess(picture: Picture, preprocessing: Preprocessing): Float32Array {
  return normalise(cropTo(picture, preprocessing), preprocessing);
}
