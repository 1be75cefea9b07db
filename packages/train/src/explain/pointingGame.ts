import { wilsonInterval, type Interval } from "../evaluate/wilson.ts";
import { peakOf, pointIn, type HeatMap, type Point, type Rectangle } from "./heatMap.ts";

/** The published margin, 15 pixels, of pictures of this many; in others it is the same share of the square's side. */
export const PUBLISHED_TOLERANCE = 15 / 224;

/** One picture of the game. */
export interface PointingCase {
  readonly map: HeatMap;
  /** Where the map lies in the picture. */
  readonly seen: Rectangle;
  /** Where what the map should point at is in the picture: one of these. */
  readonly boxes: readonly Rectangle[];
}

export interface PointingOptions {
  /** How far from a box a point still counts, in pixels of the picture. Default: PUBLISHED_TOLERANCE times the side of `seen`. */
  readonly tolerance?: number;
}

/** A part of pictures, with its 95% interval by Wilson; both null where there are no pictures. */
export interface Share {
  readonly hits: number;
  readonly pictures: number;
  readonly score: number | null;
  readonly interval: Interval | null;
}

export interface PointingScore extends Share {
  /** The same of the middle of what the network saw, whatever the picture. */
  readonly centre: Share;
  /** The map's, of those pictures alone in which the middle is no hit: a set whose objects lie in the middle proves little. */
  readonly offCentre: Share;
  /** Of a point anywhere in what the network saw: the share of it that counts as a hit, on average. */
  readonly chance: number;
  /** Pictures in which the middle of one of the map's cells would be a hit: no map of so few cells can do better. */
  readonly ceiling: Share;
  /** Pictures whose map is 0 all over: misses. */
  readonly empty: number;
}

/**
 * The pointing game (Zhang et al. 2016, "Top-down Neural Attention by Excitation Backprop"): the share of pictures in which the largest value of
 * the map for the true class lies on the object, or within a margin of it.
 *
 * The point is the middle of the largest cell: where the map enlarged to the picture is largest too, but for cells at the edge, past which it
 * is constant.
 */
export function pointingGame(cases: readonly PointingCase[], options: PointingOptions = {}): PointingScore {
  const radius = ({ seen }: PointingCase): number => toleranceIn(seen, options);
  const points = cases.map(({ map, seen }) => {
    const peak = peakOf(map);
    return peak && pointIn(seen, peak);
  });
  const hits = cases.map((given, i) => isHit(points[i]!, given.boxes, radius(given)));
  const central = cases.map((given) => isHit(pointIn(given.seen, MIDDLE), given.boxes, radius(given)));
  return {
    ...shareOf(hits),
    centre: shareOf(central),
    offCentre: shareOf(hits.filter((_, i) => !central[i])),
    chance: cases.reduce((sum, given) => sum + shareHit(given, GRID, radius(given)), 0) / cases.length,
    ceiling: shareOf(cases.map((given) => shareHit(given, given.map, radius(given)) > 0)),
    empty: points.filter((point) => point === null).length,
  };
}

export const toleranceIn = ({ width }: Rectangle, { tolerance }: PointingOptions): number =>
  tolerance ?? PUBLISHED_TOLERANCE * width;

/** Whether a point lies in one of the boxes, or within a distance of it. */
export function isHit(point: Point | null, boxes: readonly Rectangle[], tolerance: number): boolean {
  return (
    point !== null &&
    boxes.some(({ left, top, width, height }) => {
      const dx = Math.max(left - point.x, 0, point.x - left - width);
      const dy = Math.max(top - point.y, 0, point.y - top - height);
      return Math.hypot(dx, dy) <= tolerance;
    })
  );
}

export function shareOf(hits: readonly boolean[]): Share {
  const count = hits.filter(Boolean).length;
  return {
    hits: count,
    pictures: hits.length,
    score: hits.length > 0 ? count / hits.length : null,
    interval: wilsonInterval(count, hits.length),
  };
}

const MIDDLE = { x: 0.5, y: 0.5 } as const;
/** Points that chance is worked out from, each way. */
const GRID = { width: 128, height: 128 } as const;

/** The share of hits among the middles of a grid's cells over what the network saw. */
function shareHit(
  { seen, boxes }: PointingCase,
  { width, height }: { readonly width: number; readonly height: number },
  tolerance: number,
): number {
  let hits = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (isHit(pointIn(seen, { x: (x + 0.5) / width, y: (y + 0.5) / height }), boxes, tolerance)) hits += 1;
  return hits / (width * height);
}
