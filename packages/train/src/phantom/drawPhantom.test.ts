import { describe, expect, it } from "vitest";
import { drawPhantom, type PhantomOptions } from "./drawPhantom.ts";
import { Draws } from "./draws.ts";
import { drawScene } from "./scene.ts";
import { PHANTOM_SHARES } from "./shares.ts";

const PICTURE: PhantomOptions = { size: 96, seed: 7, split: "train", index: 0, fractured: true };
const digest = (pixels: Uint8Array): number => pixels.reduce((hash, value) => (Math.imul(hash, 31) + value) | 0, 0);

/** Share of pixels that differ by more than two grey levels: within a distance of the break, on either side of it. */
function changes(options: PhantomOptions, radius: number): { near: number; far: number } {
  const { size } = options;
  const broken = drawPhantom({ ...options, fractured: true });
  const whole = drawPhantom({ ...options, fractured: false });
  const { left, top, width, height } = broken.break!.box;
  const count = { near: 0, far: 0 };
  const all = { near: 0, far: 0 };
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [i % size, Math.floor(i / size)];
    const near = x >= left - radius && x < left + width + radius && y >= top - radius && y < top + height + radius;
    all[near ? "near" : "far"]++;
    if (Math.abs(broken.pixels[i]! - whole.pixels[i]!) > 2) count[near ? "near" : "far"]++;
  }
  return { near: count.near / all.near, far: count.far / all.far };
}

describe("drawPhantom", () => {
  it("is a pure function of its options: the same numbers on every machine and in every order", () => {
    const first = drawPhantom(PICTURE);
    drawPhantom({ ...PICTURE, index: 3 });
    expect(drawPhantom(PICTURE)).toEqual(first);
    expect([0, 1, 2].map((index) => digest(drawPhantom({ ...PICTURE, index }).pixels))).toMatchInlineSnapshot(`
      [
        791527606,
        1317186156,
        1655115820,
      ]
    `);
  });

  it("draws another picture for another seed, split or index", () => {
    const first = digest(drawPhantom(PICTURE).pixels);
    const others: Partial<PhantomOptions>[] = [{ seed: 8 }, { seed: 7 + 2 ** 32 }, { split: "test" }, { index: 1 }];
    for (const other of others) expect(digest(drawPhantom({ ...PICTURE, ...other }).pixels)).not.toBe(first);
  });

  it("a whole bone has no break, a fracture has its kind, centre and box inside the picture", () => {
    expect(drawPhantom({ ...PICTURE, fractured: false }).break).toBeNull();
    for (let index = 0; index < 12; index++) {
      const { kind, centre, box } = drawPhantom({ ...PICTURE, size: 32, index }).break!;
      expect(["displaced", "hairline"]).toContain(kind);
      expect(centre.x).toBeGreaterThan(box.left);
      expect(centre.x).toBeLessThan(box.left + box.width);
      expect(centre.y).toBeGreaterThan(box.top);
      expect(centre.y).toBeLessThan(box.top + box.height);
      expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(0);
      expect(Math.max(box.left + box.width, box.top + box.height)).toBeLessThanOrEqual(32);
    }
  });

  it("one limb, or less of a tilt, is what a set has in common and changes nothing else", () => {
    const { limb, rotation, exposure } = drawScene(new Draws(PICTURE, "scene"), PHANTOM_SHARES);
    const same = drawScene(new Draws(PICTURE, "scene"), { ...PHANTOM_SHARES, limb });
    expect(same.exposure).toEqual(exposure);
    const upright = drawScene(new Draws(PICTURE, "scene"), { ...PHANTOM_SHARES, tilt: 0 });
    expect(upright).toMatchObject({ limb, exposure });
    expect(rotation % Math.PI).not.toBe(0);
    expect(upright.rotation % Math.PI).toBe(0);
    const arms = Array.from({ length: 8 }, (_, index) =>
      drawScene(new Draws({ ...PICTURE, index }, "scene"), { ...PHANTOM_SHARES, limb: "arm", jointShare: 0 }),
    );
    for (const arm of arms) expect(arm).toMatchObject({ limb: "arm", breakable: { length: 1 } });
  });

  it("a hairline changes nothing but pixels near it", () => {
    for (let index = 0; index < 6; index++) {
      const { near, far } = changes({ ...PICTURE, index, hairlineShare: 1 }, 24);
      expect(near).toBeGreaterThan(0.02);
      expect(far).toBe(0);
    }
  });

  it("a displaced fracture changes the picture most by far about the break", () => {
    for (let index = 0; index < 6; index++) {
      const { near, far } = changes({ ...PICTURE, index, hairlineShare: 0 }, 4);
      expect(near).toBeGreaterThan(0.15);
      expect(near).toBeGreaterThan(2.5 * far);
    }
  });

  it("a small picture shows what a large one does", () => {
    for (let index = 0; index < 4; index++) {
      const small = drawPhantom({ ...PICTURE, index, size: 48 }).pixels;
      const large = drawPhantom({ ...PICTURE, index, size: 192 }).pixels;
      let difference = 0;
      for (let i = 0; i < small.length; i++) {
        let sum = 0;
        for (let k = 0; k < 16; k++) sum += large[(Math.floor(i / 48) * 4 + (k >> 2)) * 192 + (i % 48) * 4 + (k & 3)]!;
        difference += Math.abs(small[i]! - sum / 16) / small.length;
      }
      expect(difference).toBeLessThan(8);
    }
  });
});
