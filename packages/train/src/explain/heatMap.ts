import { centerOf, shorterSideTo, type Preprocessing } from "@fracture/resnet";
import type { CamLayer } from "./gradCam.ts";

/** How much each part of a picture speaks for a class: the coarse grid of a layer, over the square that the network saw. */
export interface HeatMap {
  readonly layer: CamLayer;
  /** The class, by its index. */
  readonly class: number;
  readonly width: number;
  readonly height: number;
  /** [height, width], 0 or more. Their scale is the network's own; only within a map do they compare. */
  readonly values: Float32Array;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Where the square that the network saw lies in a picture, in that picture's pixels, 0 at its upper left corner; not whole numbers. */
export function seenSquare(picture: Size, { resize, crop }: Pick<Preprocessing, "resize" | "crop">): Rectangle {
  const resized = shorterSideTo(resize, picture);
  const { x, y } = centerOf(crop, resized);
  const [across, down] = [picture.width / resized.width, picture.height / resized.height];
  return { left: x * across, top: y * down, width: crop * across, height: crop * down };
}

/** Where the map is largest, as shares of the square's width and height: the middle of a cell. Null where it is 0 all over: nothing speaks for the class. */
export function peakOf({ values, width, height }: HeatMap): Point | null {
  const at = values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
  if (!(values[at]! > 0)) return null;
  return { x: ((at % width) + 0.5) / width, y: (Math.floor(at / width) + 0.5) / height };
}

/** A share of a square's sides as a point of the picture in which it lies. */
export const pointIn = ({ left, top, width, height }: Rectangle, share: Point): Point => ({
  x: left + share.x * width,
  y: top + share.y * height,
});

/**
 * The map over a picture: linear between the middles of its cells, constant past the outer ones (torch's
 * `interpolate(mode="bilinear", align_corners=False)`), from 0 to 1 of its largest value; NaN outside the square.
 *
 * @param square where the map lies in the picture
 * @returns [height, width] of the picture
 */
export function spread(map: HeatMap, square: Rectangle, { width, height }: Size): Float32Array<ArrayBuffer> {
  const most = map.values.reduce((a, b) => Math.max(a, b), 0);
  const columns = cellsOf(width, square.left, square.width, map.width);
  const rows = cellsOf(height, square.top, square.height, map.height);
  const heat = new Float32Array(width * height).fill(NaN);
  const scale = most > 0 ? 1 / most : 0;
  for (const [y, row] of rows.entries()) {
    if (!row) continue;
    for (const [x, column] of columns.entries()) {
      if (!column) continue;
      const line = (r: number): number =>
        map.values[r * map.width + column.low]! * (1 - column.part) +
        map.values[r * map.width + column.high]! * column.part;
      heat[y * width + x] = (line(row.low) * (1 - row.part) + line(row.high) * row.part) * scale;
    }
  }
  return heat;
}

/** For each pixel of an axis the two cells that it lies between, and how far it is on its way to the second; null outside the square. */
function cellsOf(
  pixels: number,
  start: number,
  length: number,
  cells: number,
): ({ readonly low: number; readonly high: number; readonly part: number } | null)[] {
  return Array.from({ length: pixels }, (_, pixel) => {
    const share = (pixel + 0.5 - start) / length;
    if (share < 0 || share > 1) return null;
    const position = Math.min(cells - 1, Math.max(0, share * cells - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(cells - 1, low + 1), part: position - low };
  });
}
