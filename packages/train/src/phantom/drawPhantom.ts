import { Draws, type PictureId } from "./draws.ts";
import { expose, toPixels } from "./expose.ts";
import { drawFracture, fracturePoints, type Fracture, type FractureKind, type FracturePattern } from "./fracture.ts";
import { project } from "./project.ts";
import { drawScene, type Scene } from "./scene.ts";
import { PHANTOM_SHARES, type PhantomShares } from "./shares.ts";

export interface PhantomOptions extends PictureId, Partial<PhantomShares> {
  /** Width and height in pixels. The field of view is in mm and does not depend on it. */
  readonly size: number;
  readonly fractured: boolean;
}

/** Where a fracture is: x to the right and y down in pixels, 0 at the picture's left or upper edge. */
export interface PhantomBreak {
  readonly kind: FractureKind;
  readonly pattern: FracturePattern;
  readonly centre: { readonly x: number; readonly y: number };
  /** Holds the whole fracture; cut off at the picture's edges. */
  readonly box: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

export interface Phantom {
  /** [size, size], grey, 8 bits. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly break: PhantomBreak | null;
}

/** Rays lie no further apart than this, in mm: a thin bone's shell is wider, so that a small picture does not miss it. */
const FINEST_DETAIL = 0.6;

/**
 * Draws a radiograph-like picture of a forearm, a leg or an upper arm: one or two tubular bones in soft tissue, projected by Beer and Lambert's
 * law, with scatter, penumbra, photon noise and a film-like curve. A pure function of its options: scene, exposure, collimation
 * and noise depend on seed, split and index alone, so that the same picture fractured and whole differs by the bone only.
 */
export function drawPhantom(options: PhantomOptions): Phantom {
  const { size, fractured, ...id } = options;
  const shares = { ...PHANTOM_SHARES, ...options };
  const scene = drawScene(new Draws(id, "scene"), shares);
  const fracture = drawFracture(new Draws(id, "fracture"), new Draws(id, "jag"), scene, shares.hairlineShare);
  const rays = Math.ceil(scene.fieldOfView / size / FINEST_DETAIL);
  const projection = project(scene, fractured ? fracture : null, new Draws(id, "texture"), size * rays);
  const pixels = expose(scene, projection, new Draws(id, "quantum"), { size, rays });
  return { pixels, break: fractured ? locate(scene, fracture, size) : null };
}

function locate(scene: Scene, fracture: Fracture, size: number): PhantomBreak {
  const { centre, hull } = fracturePoints(fracture, scene.bones[fracture.bone]!);
  const corners = hull.map((point) => toPixels(scene, size, point));
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  const inside = (x: number): number => Math.min(size, Math.max(0, x));
  const [left, top] = [Math.floor(inside(Math.min(...xs))), Math.floor(inside(Math.min(...ys)))];
  return {
    kind: fracture.kind,
    pattern: fracture.pattern,
    centre: toPixels(scene, size, centre),
    box: {
      left,
      top,
      width: Math.ceil(inside(Math.max(...xs))) - left,
      height: Math.ceil(inside(Math.max(...ys))) - top,
    },
  };
}
