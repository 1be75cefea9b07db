import { clamp } from "./bones.ts";
import { average, blur, enlarge } from "./blur.ts";
import type { Draws } from "./draws.ts";
import { CORTICAL_BONE, SOFT_TISSUE } from "./materials.ts";
import type { Projection } from "./project.ts";
import { insideCollimator, toPicture, type Scene } from "./scene.ts";

/** What passes the collimator's leaves. */
const LEAK = 0.004;
/** By this many mm the shown part is smaller than the collimator's opening, whose edge is blurred. */
const SHUTTER_MARGIN = 1;
/** Scatter is smooth: it is worked out on a grid this coarse, spread with this deviation in mm. */
const SCATTER_GRID = 24;
const SCATTER_SPREAD = 14;

/**
 * From optical depths to a picture in 8 bits: Beer and Lambert's law, scatter, penumbra, photon noise, the detector's spread, and a
 * film-like curve over the logarithm, in which bone is white.
 *
 * @param projection of `rays` x `rays` rays a pixel
 * @returns [size, size] grey
 */
export function expose(
  scene: Scene,
  projection: Projection,
  quantum: Draws,
  { size, rays }: { size: number; rays: number },
): Uint8Array<ArrayBuffer> {
  const { exposure, tissue } = scene;
  const pitch = scene.fieldOfView / size;
  const thick = 2 * tissue.halfDepth;
  const behindLimb = Math.exp(-SOFT_TISSUE * thick);
  const photons = (exposure.photons * pitch * pitch) / behindLimb;

  // Intensities are averaged over a pixel, not depths: that is what a detector's element does.
  const image = average(
    projection.depth.map((depth) => Math.exp(-depth)),
    size,
    rays,
  );
  const scatter = scatterOf(scene, projection.thickness, size, size * rays);
  const inside = openingOf(scene, size);
  for (let i = 0; i < image.length; i++) {
    image[i] = (image[i]! + scatter[i]!) * (LEAK + (1 - LEAK) * clamp(inside[i]! / pitch + 0.5));
  }
  blur(image, size, exposure.penumbra / pitch);
  addPhotonNoise(image, photons, quantum);
  blur(image, size, exposure.spread / pitch);

  // The window is set by the limb, not by what is seen of it: a break must not change the grey of anything else.
  const densest = Math.max(...scene.breakable.map(({ radius }) => radius)) * 1.5 * (CORTICAL_BONE - SOFT_TISSUE);
  const reference = (depth: number, share: number): number =>
    -Math.log(Math.exp(-depth) + share * exposure.scatter * thick * behindLimb);
  const darkest = reference(0, 0);
  const brightest = reference(SOFT_TISSUE * thick + densest, 1);
  const black = darkest + exposure.black * (brightest - darkest);
  const white = darkest + exposure.white * (brightest - darkest);
  const curve = filmCurve(exposure.steepness);
  const grey = new Uint8Array(size * size);
  for (let i = 0; i < grey.length; i++) {
    // The console blackens what is outside the opening, and the shadow of its edge with it.
    const shown = clamp((inside[i]! - SHUTTER_MARGIN) / pitch - 0.5);
    if (shown === 0) continue;
    const share = clamp((-Math.log(Math.max(image[i]!, 1e-6)) - black) / (white - black));
    grey[i] = Math.round(255 * curve(share) * shown);
  }
  return grey;
}

/** A logistic curve through (0, 0) and (1, 1): toe, straight part and shoulder, as Hurter and Driffield found in film. */
function filmCurve(steepness: number): (x: number) => number {
  const logistic = (x: number): number => 1 / (1 + Math.exp(-steepness * (x - 0.5)));
  const [low, high] = [logistic(0), logistic(1)];
  return (x) => (logistic(x) - low) / (high - low);
}

/**
 * Poisson's distribution by its normal approximation, which is good from some tens of photons a pixel on: only what lies
 * under the collimator's leaves has fewer.
 */
function addPhotonNoise(image: Float32Array, photons: number, quantum: Draws): void {
  const normal = new Float32Array(image.length);
  quantum.fillNormal(normal);
  for (let i = 0; i < image.length; i++) {
    image[i] = Math.max(0, image[i]! + Math.sqrt(image[i]! / photons) * normal[i]!);
  }
}

/** Scatter grows with the tissue's thickness, weakens with its depth, and comes from all about. */
function scatterOf(
  { exposure, fieldOfView }: Scene,
  thickness: Float32Array,
  size: number,
  across: number,
): Float32Array {
  const coarse = new Float32Array(SCATTER_GRID * SCATTER_GRID);
  const at = (cell: number): number => Math.floor(((cell + 0.5) * across) / SCATTER_GRID);
  for (let row = 0; row < SCATTER_GRID; row++) {
    for (let column = 0; column < SCATTER_GRID; column++) {
      const mm = thickness[at(row) * across + at(column)]!;
      coarse[row * SCATTER_GRID + column] = exposure.scatter * mm * Math.exp(-SOFT_TISSUE * mm);
    }
  }
  blur(coarse, SCATTER_GRID, (SCATTER_SPREAD * SCATTER_GRID) / fieldOfView);
  return enlarge(coarse, SCATTER_GRID, size);
}

/** How far inside the collimator's opening each pixel is, in mm; negative under its leaves. */
function openingOf(scene: Scene, size: number): Float32Array {
  const inside = new Float32Array(size * size).fill(Infinity);
  if (scene.collimator === null) return inside;
  const pitch = scene.fieldOfView / size;
  for (let i = 0; i < inside.length; i++) {
    const x = ((i % size) + 0.5 - size / 2) * pitch;
    const y = (Math.floor(i / size) + 0.5 - size / 2) * pitch;
    inside[i] = insideCollimator(scene.collimator, x, y);
  }
  return inside;
}

/** A point of the limb in pixels: 0 is the left or upper edge of the picture. */
export function toPixels(scene: Scene, size: number, point: { u: number; v: number }): { x: number; y: number } {
  const { x, y } = toPicture(scene, point);
  return { x: (x / scene.fieldOfView + 0.5) * size, y: (y / scene.fieldOfView + 0.5) * size };
}
