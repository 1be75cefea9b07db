import type { Picture } from "@fracture/resnet";

/**
 * The eight ways in which a square may lie: 0 as it is; bit 0 mirrors left and right, bit 1 top and bottom, bit 2 first swaps rows
 * and columns.
 */
export const SYMMETRIES = [0, 1, 2, 3, 4, 5, 6, 7] as const;
export type Symmetry = (typeof SYMMETRIES)[number];

/** What was done to a picture, in words: "turned by 90 degrees". Empty for 0. */
export const SYMMETRY_NAMES: readonly string[] = [
  "",
  "mirrored",
  "mirrored and turned by 180 degrees",
  "turned by 180 degrees",
  "mirrored and turned by 270 degrees",
  "turned by 90 degrees",
  "turned by 270 degrees",
  "mirrored and turned by 90 degrees",
];

/** A square image as it lies under a symmetry: [side, side]. */
export function turned(image: Int8Array, side: number, symmetry: Symmetry): Int8Array {
  const out = new Int8Array(image.length);
  lay(image, out, { width: side, height: side }, symmetry);
  return out;
}

/** A grey picture as it lies under a symmetry. */
export function layPicture({ data, width, height }: Picture, symmetry: Symmetry): Picture {
  const out = new Uint8Array(data.length);
  return { data: out, ...lay(data, out, { width, height }, symmetry), channels: 1 };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Writes an image [height, width] to `to` as it lies under a symmetry; returns its size there. */
function lay<T extends Int8Array | Uint8Array>(from: T, to: T, { width, height }: Size, symmetry: Symmetry): Size {
  const swapped = (symmetry & 4) !== 0;
  const [w, h] = swapped ? [height, width] : [width, height];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const row = symmetry & 2 ? h - 1 - y : y;
      const column = symmetry & 1 ? w - 1 - x : x;
      to[y * w + x] = from[swapped ? column * width + row : row * width + column]!;
    }
  }
  return { width: w, height: h };
}
