import { TABLE_STEP, type Bone } from "./bones.ts";
import type { Draws } from "./draws.ts";
import { displacement, keptLength, type Fracture } from "./fracture.ts";
import { CORTICAL_BONE, FAT, SOFT_TISSUE, SPONGY_BONE } from "./materials.ts";
import { planeNoise } from "./noise.ts";
import { toLimb, type Scene } from "./scene.ts";

export interface Projection {
  /** [size, size] optical depth: the line integral of the attenuation coefficient along each ray (Beer and Lambert). */
  readonly depth: Float32Array;
  /** [size, size] mm of tissue on each ray, bone or not. */
  readonly thickness: Float32Array;
}

/** Follows a ray through the middle of each pixel, in closed form: every surface is an ellipse or a plane across it. */
export function project(scene: Scene, fracture: Fracture | null, textures: Draws, size: number): Projection {
  const depth = new Float32Array(size * size);
  const thickness = new Float32Array(size * size);
  const muscle = planeNoise(textures);
  const trabeculae = planeNoise(textures);
  const pitch = scene.fieldOfView / size;
  const { tissue, bones } = scene;
  const origin = toLimb(scene, (0.5 - size / 2) * pitch, (0.5 - size / 2) * pitch);
  const [du, dv] = [pitch * Math.cos(scene.rotation), pitch * Math.sin(scene.rotation)];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const u = origin.u + row * du - column * dv;
      const v = origin.v + column * du + row * dv;
      const halfWidth = tissue.halfWidth(u);
      const across = v - tissue.offset;
      const total = 2 * tissue.halfDepth * rim(across / halfWidth);
      const lean = 2 * (tissue.halfDepth - tissue.fat) * rim(across / (halfWidth - tissue.fat));
      let optical =
        SOFT_TISSUE * lean * (lean > 0 ? 1 + 0.05 * muscle(u / 22, v / 7) : 1) + FAT * Math.max(0, total - lean);
      for (let i = 0; i < bones.length; i++) {
        optical += boneContrast(bones[i]!, fracture?.bone === i ? fracture : null, u, v, trabeculae);
      }
      depth[row * size + column] = optical;
      thickness[row * size + column] = total;
    }
  }
  return { depth, thickness };
}

/** What a bone adds to the optical depth at (u, v), over the soft tissue in whose place it is. */
function boneContrast(
  bone: Bone,
  fracture: Fracture | null,
  u: number,
  v: number,
  trabeculae: (x: number, y: number) => number,
): number {
  const position = (u - bone.from) / TABLE_STEP;
  const i = Math.floor(position);
  if (i < 0 || i + 1 >= bone.outer.length) return 0;
  const t = position - i;
  const outer = bone.outer[i]! + (bone.outer[i + 1]! - bone.outer[i]!) * t;
  if (outer <= 0) return 0;
  const inner = bone.inner[i]! + (bone.inner[i + 1]! - bone.inner[i]!) * t;
  const w = v - (bone.centre[i]! + (bone.centre[i + 1]! - bone.centre[i]!) * t);
  let whole = 0;
  let cavity = 0;
  if (fracture === null) {
    whole = 2 * halfChord(outer, w);
    cavity = 2 * halfChord(inner, w);
  } else {
    for (const fragment of [0, 1] as const) {
      const moved = w - displacement(fracture, fragment, u);
      const h = bone.depth * halfChord(outer, moved);
      if (h === 0) continue;
      whole += keptLength(fracture, fragment, u, moved, h) / bone.depth;
      cavity += keptLength(fracture, fragment, u, moved, bone.depth * halfChord(inner, moved)) / bone.depth;
    }
  }
  if (whole === 0) return 0;
  const spongy = bone.spongy[i]! + (bone.spongy[i + 1]! - bone.spongy[i]!) * t;
  // Trabeculae run along the bone.
  const filling = spongy * (SPONGY_BONE - FAT) * (1 + (spongy > 0.01 ? 0.45 * trabeculae(u / 2.2, v / 1.1) : 0));
  const attenuation = (whole - cavity) * CORTICAL_BONE + cavity * (FAT + filling) - whole * SOFT_TISSUE;
  return bone.depth * attenuation;
}

const rim = (x: number): number => (x > -1 && x < 1 ? Math.sqrt(1 - x * x) : 0);

/** Half the chord of a circle at distance w from its middle. */
const halfChord = (radius: number, w: number): number =>
  w < radius && w > -radius ? Math.sqrt(radius * radius - w * w) : 0;
