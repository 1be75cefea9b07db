import { drawNodule, drawShaft, type Bone } from "./bones.ts";
import type { Draws } from "./draws.ts";
import { lineNoise } from "./noise.ts";

/** Position in mm in the limb's frame: u along the limb, v across it. */
export interface LimbPoint {
  u: number;
  v: number;
}

/** What lies before the detector, and how: everything of a picture but the fracture, its textures and its noise. */
export interface Scene {
  readonly limb: Limb;
  /** Width of the picture in mm at the patient. */
  readonly fieldOfView: number;
  /** From the picture's axes to the limb's, in radians. */
  readonly rotation: number;
  /** Where the picture's centre lies in the limb's frame. */
  readonly centre: LimbPoint;
  readonly bones: readonly Bone[];
  /** Which of the bones may break (the long ones), each with where: an interval of u well in sight and clear of the joint. */
  readonly breakable: readonly {
    readonly bone: number;
    readonly radius: number;
    readonly from: number;
    readonly to: number;
  }[];
  /** Where the joint is; past the picture's edge in many. */
  readonly joint: number;
  readonly tissue: Tissue;
  readonly collimator: Collimator | null;
  readonly exposure: Exposure;
}

/** The collimator's opening: half sizes in mm about the picture's centre, turned against the picture. */
export interface Collimator {
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly rotation: number;
}

/** Soft tissue about the bones: an elliptical cylinder of muscle in a layer of fat. Half axes and thickness in mm. */
export interface Tissue {
  readonly offset: number;
  readonly halfWidth: (u: number) => number;
  readonly halfDepth: number;
  readonly fat: number;
}

export interface Exposure {
  /** Detected photons a mm² behind the middle of the limb's soft tissue. */
  readonly photons: number;
  /** Scattered to primary photons a mm of tissue. */
  readonly scatter: number;
  /** Standard deviations in mm: of the focal spot's penumbra, and of the detector's own spread. */
  readonly penumbra: number;
  readonly spread: number;
  /** Ends of the grey window, as shares of the range from air to the densest bone; and the steepness of the film's curve. */
  readonly black: number;
  readonly white: number;
  readonly steepness: number;
}

const degrees = (angle: number): number => (angle * Math.PI) / 180;

export const LIMBS = ["forearm", "leg", "arm"] as const;
export type Limb = (typeof LIMBS)[number];

/** What a set's scenes have in common. */
export interface SceneOptions {
  /** What parts of the pictures show a joint, and the collimator's edges: what else than a break runs across a bone. */
  readonly jointShare: number;
  readonly collimatedShare: number;
  /** Which limb is shown: one in all pictures, or "any". */
  readonly limb: Limb | "any";
  /** By how many degrees at most a limb lies askew. */
  readonly tilt: number;
}

/** Draws a scene. It knows nothing of fractured or not. */
export function drawScene(draws: Draws, options: SceneOptions): Scene {
  const { jointShare, collimatedShare, tilt } = options;
  // A limb that is asked for takes a draw too: nothing else of the picture may depend on how it was chosen.
  const any = draws.pick(LIMBS);
  const limb = options.limb === "any" ? any : options.limb;
  const anatomy = draws.between(0.85, 1.15);
  const fieldOfView =
    anatomy * { forearm: draws.between(62, 82), leg: draws.between(80, 105), arm: draws.between(68, 92) }[limb];
  const rotation = degrees(draws.between(-tilt, tilt)) + (draws.chance(0.5) ? Math.PI : 0);
  const inView = draws.chance(jointShare);
  const joint = fieldOfView * (inView ? draws.between(0.28, 0.42) : draws.between(0.9, 1.3));
  const bow = draws.between(-1, 1) / 600;
  const [from, to] = [-fieldOfView, fieldOfView];
  const shaft = (radius: number, offset: number, slope: number, end: number) => ({
    radius: radius * anatomy,
    offset: offset * anatomy,
    bone: drawShaft(draws, { from, to, end, radius: radius * anatomy, offset: offset * anatomy, slope, bow }),
  });

  const slope = draws.between(-0.05, 0.05);
  const turn = Math.cos(degrees(draws.between(0, 50)));
  const side = draws.sign();
  const long =
    limb === "arm"
      ? [shaft(draws.between(9.5, 12.5), 0, slope, joint)]
      : limb === "leg"
        ? [
            shaft(draws.between(11, 14), side * -8, slope, joint),
            shaft(draws.between(5.5, 7), side * 24 * turn, slope - side * 0.03, joint + draws.between(0, 8)),
          ]
        : [
            shaft(draws.between(6.5, 8.5), side * -10 * turn, slope, joint),
            shaft(draws.between(5.5, 7.5), side * 13 * turn, slope - side * 0.04, joint - draws.between(0, 4)),
          ];
  // The limb lies in the middle of the picture, more or less.
  const middle = long.reduce((sum, { offset }) => sum + offset, 0) / long.length;
  const centre = { u: 0, v: middle + fieldOfView * draws.between(-0.1, 0.1) };
  const far = inView ? drawFarSide(draws, limb, anatomy, { from, to, joint, slope }) : [];
  const limit = Math.min(0.26 * fieldOfView, joint - 0.2 * fieldOfView);
  const breakable = long.map(({ radius }, bone) => ({ bone, radius, from: -0.26 * fieldOfView, to: limit }));

  return {
    limb,
    fieldOfView,
    rotation,
    centre,
    bones: [...long.map(({ bone }) => bone), ...far],
    breakable,
    joint,
    tissue: drawTissue(draws, limb, anatomy),
    collimator: draws.chance(collimatedShare)
      ? {
          halfWidth: fieldOfView * draws.between(0.38, 0.5),
          halfHeight: fieldOfView * draws.between(0.46, 0.6),
          rotation: degrees(draws.between(-5, 5)),
        }
      : null,
    exposure: {
      photons: draws.logBetween(3000, 24_000),
      scatter: draws.between(0.004, 0.01),
      penumbra: draws.between(0.1, 0.3),
      spread: draws.between(0.12, 0.25),
      black: draws.between(0.02, 0.3),
      white: draws.between(0.95, 1.3),
      steepness: draws.between(2.5, 4.5),
    },
  };
}

/** The bones on the other side of the joint. */
function drawFarSide(
  draws: Draws,
  limb: Scene["limb"],
  anatomy: number,
  { from, to, joint, slope }: { from: number; to: number; joint: number; slope: number },
): Bone[] {
  const gap = draws.between(2.5, 4.5);
  const nodule = (u: number, v: number, length: number, width: number) =>
    drawNodule(draws, { from, to, u: joint + gap + u, v: v + slope * joint, length, width });
  if (limb === "arm") {
    const length = 40 * anatomy;
    return [nodule(length, 0, length, draws.between(14, 18) * anatomy)];
  }
  if (limb === "leg") {
    const length = draws.between(13, 17) * anatomy;
    return [nodule(length, 0, length, draws.between(20, 25) * anatomy)];
  }
  const carpals: Bone[] = [];
  for (let row = 0; row < 3; row++) {
    const count = row === 0 ? 3 : 4;
    for (let i = 0; i < count; i++) {
      const v = (i - (count - 1) / 2) * 11 + draws.between(-1.5, 1.5);
      const length = draws.between(5, 6.5) * anatomy;
      carpals.push(
        nodule(
          (5.5 + 12 * row) * anatomy + draws.between(-1, 1),
          v * anatomy,
          length,
          draws.between(4.6, 6.2) * anatomy,
        ),
      );
    }
  }
  return carpals;
}

function drawTissue(draws: Draws, limb: Scene["limb"], anatomy: number): Tissue {
  const halfWidth =
    anatomy * { forearm: draws.between(28, 40), leg: draws.between(38, 55), arm: draws.between(32, 48) }[limb];
  const taper = draws.between(-0.12, 0.12);
  const outline = lineNoise(draws);
  return {
    offset: anatomy * draws.between(-4, 4),
    halfWidth: (u) => halfWidth + taper * u + 2.5 * outline(u / 40),
    halfDepth: halfWidth * draws.between(0.75, 1.05),
    fat: anatomy * draws.between(2, 8),
  };
}

/** From a point of the picture, in mm from its middle, to the limb's frame; and back. */
export function toLimb({ rotation, centre }: Scene, x: number, y: number): LimbPoint {
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  // The limb lies along the picture's columns where the rotation is 0.
  return { u: centre.u + y * cos - x * sin, v: centre.v + x * cos + y * sin };
}

export function toPicture({ rotation, centre }: Scene, { u, v }: LimbPoint): { x: number; y: number } {
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [du, dv] = [u - centre.u, v - centre.v];
  return { x: dv * cos - du * sin, y: du * cos + dv * sin };
}

/** How far inside a collimator's opening a point of the picture is, in mm; negative outside. */
export function insideCollimator({ halfWidth, halfHeight, rotation }: Collimator, x: number, y: number): number {
  const cos = Math.cos(rotation);
  const sin = Math.sin(rotation);
  return Math.min(halfWidth - Math.abs(x * cos + y * sin), halfHeight - Math.abs(y * cos - x * sin));
}

/** How far inside what is shown a point of the picture is, in mm; negative outside. */
export function insideOpening({ fieldOfView, collimator }: Scene, x: number, y: number): number {
  const edge = fieldOfView / 2 - Math.max(Math.abs(x), Math.abs(y));
  return collimator === null ? edge : Math.min(edge, insideCollimator(collimator, x, y));
}
