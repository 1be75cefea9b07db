import { resizeBilinear, toRgb, type Picture, type Preprocessing } from "@fracture/resnet";
import { inferno, type Rgb } from "./colourMap.ts";
import { seenSquare, spread, type HeatMap, type Rectangle, type Size } from "./heatMap.ts";

export interface OverlayOptions {
  /** Longer side of the result in pixels, larger pictures are shrunk to it; smaller ones are enlarged by a whole factor up to half of it. Default: 768. */
  readonly longest?: number;
}

/** A picture as it is shown, and as it looks with a map over it: both of the same size, in colour. */
export interface Overlay {
  readonly plain: Picture;
  readonly overlay: Picture;
}

const LONGEST = 768;
/** Share of the colour where there is no heat, and where it is largest: the bone stays visible everywhere. */
const OPACITY = [0.2, 0.6] as const;
const COLOURS: readonly Rgb[] = Array.from({ length: 256 }, (_, i) => inferno(i / 255));
const BLACK: Rgb = [0, 0, 0];
/** What the network did not see keeps its grey, at this brightness. */
const UNSEEN = 0.5;
const LINE = 128;

/**
 * A heat map over the picture that it explains: the map spread over the square that the network saw (see `spread`), in the colours of
 * `inferno`, from black (nothing speaks for the class) to yellow (most). What lies outside the square is dark, with a line around it.
 *
 * @param picture as decoded, of any size
 * @param preprocessing how the network was shown it
 */
export function overlayOf(
  picture: Picture,
  map: HeatMap,
  preprocessing: Pick<Preprocessing, "resize" | "crop">,
  { longest = LONGEST }: OverlayOptions = {},
): Overlay {
  const plain = toRgb(shown(picture, longest));
  const square = scaled(seenSquare(picture, preprocessing), plain.width / picture.width, plain.height / picture.height);
  const heat = spread(map, square, plain);
  const data = new Uint8Array(plain.data.length);
  for (const [i, value] of heat.entries()) {
    const seen = !Number.isNaN(value);
    const opacity = seen ? OPACITY[0] + (OPACITY[1] - OPACITY[0]) * value : 1 - UNSEEN;
    const colour = seen ? COLOURS[Math.round(255 * value)]! : BLACK;
    for (let c = 0; c < 3; c++)
      data[3 * i + c] = Math.round(plain.data[3 * i + c]! * (1 - opacity) + colour[c]! * opacity);
  }
  frame(data, square, plain);
  return { plain, overlay: { data, width: plain.width, height: plain.height, channels: 3 } };
}

/** A grey line around the square, on those of its sides past which there is more of the picture. */
function frame(data: Uint8Array, { left, top, width, height }: Rectangle, picture: Size): void {
  const [x0, y0] = [Math.round(left), Math.round(top)];
  const [x1, y1] = [Math.round(left + width) - 1, Math.round(top + height) - 1];
  const dot = (x: number, y: number): void => {
    if (x >= 0 && y >= 0 && x < picture.width && y < picture.height)
      data.fill(LINE, 3 * (y * picture.width + x), 3 * (y * picture.width + x) + 3);
  };
  for (let y = y0; y <= y1; y++) {
    if (x0 > 0) dot(x0, y);
    if (x1 < picture.width - 1) dot(x1, y);
  }
  for (let x = x0; x <= x1; x++) {
    if (y0 > 0) dot(x, y0);
    if (y1 < picture.height - 1) dot(x, y1);
  }
}

/** Two pictures of one height side by side, with a gap of white. */
export function sideBySide(left: Picture, right: Picture): Picture {
  const gap = Math.max(4, Math.round(left.height / 64));
  const [width, height] = [left.width + gap + right.width, left.height];
  const data = new Uint8Array(width * height * 3).fill(255);
  for (let y = 0; y < height; y++)
    for (const [{ data: from, width: across }, x] of [
      [left, 0],
      [right, left.width + gap],
    ] as const)
      data.set(from.subarray(3 * y * across, 3 * (y + 1) * across), 3 * (y * width + x));
  return { data, width, height, channels: 3 };
}

function shown(picture: Picture, longest: number): Picture {
  const side = Math.max(picture.width, picture.height);
  const factor = side > longest ? longest / side : Math.max(1, Math.floor(longest / 2 / side));
  if (factor === 1) return picture;
  const to = (pixels: number): number => Math.max(1, Math.round(pixels * factor));
  return resizeBilinear(picture, { width: to(picture.width), height: to(picture.height) });
}

const scaled = ({ left, top, width, height }: Rectangle, x: number, y: number): Rectangle => ({
  left: left * x,
  top: top * y,
  width: width * x,
  height: height * y,
});
