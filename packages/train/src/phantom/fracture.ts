import { clamp, lookUp, type Bone } from "./bones.ts";
import type { Draws } from "./draws.ts";
import { lineNoise } from "./noise.ts";
import { insideOpening, toPicture, type LimbPoint, type Scene } from "./scene.ts";

export type FractureKind = "displaced" | "hairline";
export type FracturePattern = "transverse" | "oblique" | "spiral";

/**
 * A break of one bone in two. Its surface is u = at + across w + jag(w) + (along + twist w / radius) z, where w is the distance
 * from the axis and z the depth along the ray; all lengths in mm. Material within gap / 2 of it (along u) is lost; a negative
 * gap is an overlap, the fragments having slid past each other.
 */
export interface Fracture {
  readonly kind: FractureKind;
  readonly pattern: FracturePattern;
  /** Index in the scene's bones. */
  readonly bone: number;
  readonly at: number;
  readonly radius: number;
  readonly across: number;
  readonly along: number;
  readonly twist: number;
  readonly gap: number;
  readonly jag: (w: number) => number;
  /** How far one fragment's end lies beside the other's, and how far both have left the bone's axis. */
  readonly step: number;
  readonly bend: number;
  /** Each fragment is held in place this far from the break, and pivots there: towards -u, and towards +u. */
  readonly reach: readonly [number, number];
}

/** Draws where and how a scene's bone would break. A whole bone's picture draws it too and leaves it out. */
export function drawFracture(draws: Draws, jags: Draws, scene: Scene, hairlineShare: number): Fracture {
  const kind = draws.chance(hairlineShare) ? "hairline" : "displaced";
  const pattern = draws.pick(["transverse", "oblique", "spiral"]);
  const { bone, radius, at } = drawPlace(draws, scene);
  const tilt = { transverse: draws.between(0, 0.25), oblique: draws.between(0.5, 1.1), spiral: draws.between(0.5, 1) }[
    pattern
  ];
  const hairline = kind === "hairline";
  const roughness = lineNoise(jags);
  const jag = (hairline ? 0.5 : 1) * draws.between(0.4, 1.2);
  const reach = [draws.between(60, 110), Math.max(12, scene.joint - at)] as const;
  const angle = Math.tan((draws.between(1, 6) * Math.PI) / 180);
  return {
    kind,
    pattern,
    bone,
    at,
    radius,
    across: draws.sign() * tilt,
    // A hairline is seen only where the ray runs nearly along it.
    along: draws.between(-1, 1) * (hairline ? 0.08 : 0.35),
    twist: pattern === "spiral" ? draws.sign() * (hairline ? 0.15 : draws.between(0.3, 0.9)) : 0,
    gap: hairline ? draws.between(0.7, 1.2) : draws.between(-2, 3.5),
    jag: (w) => jag * roughness(w / 2.5),
    step: draws.sign() * radius * (hairline ? draws.between(0.04, 0.12) : draws.between(0.45, 1.1)),
    bend: hairline ? 0 : (draws.sign() * angle * reach[0] * reach[1]) / (reach[0] + reach[1]),
    reach: hairline ? [15, 15] : reach,
  };
}

/** Draws which bone breaks, and where: in sight, as far as that can be had. */
function drawPlace(draws: Draws, scene: Scene): { bone: number; radius: number; at: number } {
  let place = { bone: 0, radius: 0, at: 0 };
  for (let attempt = 0; attempt < 16; attempt++) {
    // The first bone is the larger one; it breaks more often.
    const { bone, radius, from, to } = scene.breakable[draws.chance(0.65) ? 0 : scene.breakable.length - 1]!;
    place = { bone, radius, at: draws.between(from, to) };
    const axis = lookUp(scene.bones[bone]!.centre, scene.bones[bone]!, place.at);
    const { x, y } = toPicture(scene, { u: place.at, v: axis });
    if (insideOpening(scene, x, y) > 0.8 * radius) break;
  }
  return place;
}

/** How far a fragment lies beside its place at u: all of `step` and `bend` at the break, nothing where it is held. */
export function displacement(fracture: Fracture, fragment: 0 | 1, u: number): number {
  const beyond = fragment === 0 ? fracture.at - u : u - fracture.at;
  const share = 1 - clamp(beyond / fracture.reach[fragment]);
  return (fracture.bend + (fragment === 0 ? -0.5 : 0.5) * fracture.step) * share;
}

/**
 * Of a ray at distance w from the axis, the length within depth -h to h that lies on a fragment's side of the break.
 */
export function keptLength(fracture: Fracture, fragment: 0 | 1, u: number, w: number, h: number): number {
  const { at, across, along, twist, gap, radius } = fracture;
  const slant = along + (twist * w) / radius;
  // Where the ray lies in the surface, a slight slant keeps the edge from being sharper than a picture element.
  const k = Math.abs(slant) < MIN_SLANT ? MIN_SLANT : slant;
  const ahead = u - at - across * w - fracture.jag(w);
  // Fragment 0 is where k z > ahead + gap / 2, fragment 1 where k z < ahead - gap / 2.
  const z = (fragment === 0 ? ahead + gap / 2 : ahead - gap / 2) / k;
  const upper = k > 0 === (fragment === 0);
  return upper ? Math.min(2 * h, Math.max(0, h - z)) : Math.min(2 * h, Math.max(0, z + h));
}

const MIN_SLANT = 0.03;

/** The middle of the break, and points about it that hold every part of it. */
export function fracturePoints(fracture: Fracture, bone: Bone): { centre: LimbPoint; hull: LimbPoint[] } {
  const { at, across, along, twist, gap, step, bend } = fracture;
  const outer = lookUp(bone.outer, bone, at);
  const axis = lookUp(bone.centre, bone, at) + bend;
  const depth = outer * bone.depth;
  const hull: LimbPoint[] = [];
  for (const w of [-outer, 0, outer]) {
    // An ellipse is deepest at its middle and has no depth at its rim.
    const slant = w === 0 ? Math.abs(along) * depth : (Math.abs(along) + Math.abs(twist)) * depth * 0.4;
    for (const side of [-1, 1]) {
      const u = at + across * w + side * (slant + Math.abs(gap) / 2 + 1);
      for (const lateral of [-0.5, 0.5]) hull.push({ u, v: axis + w + lateral * step });
    }
  }
  return { centre: { u: at, v: axis }, hull };
}
