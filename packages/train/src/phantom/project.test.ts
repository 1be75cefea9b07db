import { describe, expect, it } from "vitest";
import { lookUp } from "./bones.ts";
import { Draws, type PictureId } from "./draws.ts";
import { drawFracture, type Fracture } from "./fracture.ts";
import { CORTICAL_BONE, FAT, SOFT_TISSUE } from "./materials.ts";
import { project } from "./project.ts";
import { drawScene, insideOpening, toLimb, toPicture, type Scene } from "./scene.ts";
import { PHANTOM_SHARES } from "./shares.ts";

const SIZE = 64;
const id = (index: number): PictureId => ({ seed: 3, split: "val", index });
const sceneOf = (index: number): Scene => drawScene(new Draws(id(index), "scene"), PHANTOM_SHARES);
const fractureOf = (index: number, hairlineShare: number): Fracture =>
  drawFracture(new Draws(id(index), "fracture"), new Draws(id(index), "jag"), sceneOf(index), hairlineShare);
const depthOf = (scene: Scene, fracture: Fracture | null): Float32Array =>
  project(scene, fracture, new Draws(id(0), "texture"), SIZE).depth;

/** Where the middle of pixel i lies in the limb. */
function limbPoint(scene: Scene, i: number): { u: number; v: number } {
  const mm = (pixel: number): number => (pixel + 0.5 - SIZE / 2) * (scene.fieldOfView / SIZE);
  return toLimb(scene, mm(i % SIZE), mm(Math.floor(i / SIZE)));
}

describe("project", () => {
  it("the line integral through a shaft's axis is cortex twice, marrow and the soft tissue about them", () => {
    const scene = { ...sceneOf(0), collimator: null };
    const [bone] = scene.bones;
    const only: Scene = {
      ...scene,
      rotation: 0,
      centre: { u: -20, v: lookUp(bone!.centre, bone!, -20) },
      bones: [bone!],
    };
    // An odd size has a pixel in the very middle.
    const { depth, thickness } = project(only, null, new Draws(id(0), "texture"), 65);
    const bare = project({ ...only, bones: [] }, null, new Draws(id(0), "texture"), 65);
    const middle = 32 * 65 + 32;
    const outer = 2 * bone!.depth * lookUp(bone!.outer, bone!, -20);
    const inner = 2 * bone!.depth * lookUp(bone!.inner, bone!, -20);
    const expected = (outer - inner) * CORTICAL_BONE + inner * FAT - outer * SOFT_TISSUE;
    expect(depth[middle]! - bare.depth[middle]!).toBeCloseTo(expected, 5);
    expect(thickness[middle]!).toBeGreaterThan(outer);
  });

  it("a break changes no ray that passes its bone by, and no other bone", () => {
    for (let index = 0; index < 8; index++) {
      const scene = sceneOf(index);
      const fracture = fractureOf(index, 0.5);
      const bone = scene.bones[fracture.bone]!;
      const whole = depthOf(scene, null);
      const broken = depthOf(scene, fracture);
      const shift = Math.abs(fracture.bend) + Math.abs(fracture.step) / 2;
      const count = { past: 0, through: 0 };
      for (let i = 0; i < whole.length; i++) {
        const { u, v } = limbPoint(scene, i);
        const past = Math.abs(v - lookUp(bone.centre, bone, u)) > lookUp(bone.outer, bone, u) + shift;
        if (broken[i] !== whole[i]) count[past ? "past" : "through"]++;
      }
      expect(count.past).toBe(0);
      expect(count.through).toBeGreaterThan(5);
    }
  });

  it("a break loses no more bone than its gap", () => {
    // Displacement and cut only move material: its integral over the picture stays, up to the gap and the picture's edge.
    const scene = sceneOf(1);
    const fracture: Fracture = { ...fractureOf(1, 0), gap: 0, step: 3, bend: 0, reach: [8, 8], at: 0 };
    const [whole, broken] = [depthOf(scene, null), depthOf(scene, fracture)];
    const bare = depthOf({ ...scene, bones: [] }, null);
    const sum = (depth: Float32Array): number => depth.reduce((total, value, i) => total + value - bare[i]!, 0);
    expect(Math.abs(sum(broken) / sum(whole) - 1)).toBeLessThan(0.01);
    const open = depthOf(scene, { ...fracture, gap: 6 });
    expect(sum(open)).toBeLessThan(0.97 * sum(broken));
  });
});

describe("drawFracture", () => {
  const share = (hairlineShare: number): number =>
    Array.from({ length: 200 }, (_, index) => fractureOf(index, hairlineShare)).filter(
      ({ kind }) => kind === "hairline",
    ).length / 200;

  it("the share of hairlines is what was asked for", () => {
    expect(share(0)).toBe(0);
    expect(share(1)).toBe(1);
    // three standard deviations
    expect(Math.abs(share(0.3) - 0.3)).toBeLessThan(0.1);
  });

  it("puts the break inside the picture and the collimator's opening", () => {
    for (let index = 0; index < 200; index++) {
      const scene = sceneOf(index);
      const { at, bone, radius } = fractureOf(index, 0.25);
      const { x, y } = toPicture(scene, { u: at, v: lookUp(scene.bones[bone]!.centre, scene.bones[bone]!, at) });
      expect(insideOpening(scene, x, y)).toBeGreaterThan(0.8 * radius);
    }
  });
});

describe("drawScene", () => {
  it("shows joints and collimates as often as asked", () => {
    const scenes = (jointShare: number, collimatedShare: number): Scene[] =>
      Array.from({ length: 100 }, (_, index) =>
        drawScene(new Draws(id(index), "scene"), { ...PHANTOM_SHARES, jointShare, collimatedShare }),
      );
    const joints = (all: Scene[]): number => all.filter(({ joint, fieldOfView }) => joint < fieldOfView / 2).length;
    const collimated = (all: Scene[]): number => all.filter(({ collimator }) => collimator !== null).length;
    const [none, both] = [scenes(0, 0), scenes(1, 1)];
    expect([joints(none), collimated(none)]).toEqual([0, 0]);
    expect([joints(both), collimated(both)]).toEqual([100, 100]);
    // three standard deviations
    expect(Math.abs(joints(scenes(0.3, 0)) - 30)).toBeLessThan(14);
  });
});

describe("the limb's frame", () => {
  it("points go to the picture and back", () => {
    const scene = sceneOf(5);
    const { u, v } = toLimb(scene, 12, -7);
    const back = toPicture(scene, { u, v });
    expect(back.x).toBeCloseTo(12, 10);
    expect(back.y).toBeCloseTo(-7, 10);
  });
});
