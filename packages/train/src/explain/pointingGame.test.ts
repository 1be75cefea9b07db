import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readBoxes } from "./boxes.ts";
import type { HeatMap, Rectangle } from "./heatMap.ts";
import { isHit, pointingGame, type PointingCase } from "./pointingGame.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-boxes-"));
afterAll(() => rmSync(folder, { recursive: true }));

const seen: Rectangle = { left: 0, top: 0, width: 64, height: 64 };
/** 4 x 4 cells of 16 pixels, the largest of which is (x, y); null: all are 0. */
const pointing = (at: readonly [number, number] | null, ...boxes: Rectangle[]): PointingCase => {
  const values = new Float32Array(16);
  if (at) values[at[1] * 4 + at[0]] = 1;
  const map: HeatMap = { layer: "layer4", class: 0, width: 4, height: 4, values };
  return { map, seen, boxes };
};
const box = (left: number, top: number, width: number, height: number): Rectangle => ({ left, top, width, height });

describe("the pointing game", () => {
  it("a point counts within a box, and as far around it as the tolerance is, round the corners too", () => {
    const boxes = [box(10, 20, 6, 4)];
    expect(isHit({ x: 10, y: 24 }, boxes, 0)).toBe(true);
    expect(isHit({ x: 9.9, y: 24 }, boxes, 0)).toBe(false);
    expect(isHit({ x: 7, y: 22 }, boxes, 3)).toBe(true);
    expect(isHit({ x: 7, y: 16 }, boxes, 5)).toBe(true); // 3 and 4 away from the corner
    expect(isHit({ x: 7, y: 16 }, boxes, 4.9)).toBe(false);
    expect(isHit({ x: 40, y: 40 }, [...boxes, box(38, 38, 4, 4)], 0)).toBe(true);
    expect(isHit(null, boxes, 100)).toBe(false);
  });

  it("counts hits, with Wilson's interval, beside the centre, chance and what the cells could do", () => {
    const score = pointingGame(
      [
        pointing([0, 0], box(4, 4, 8, 8)), // on it: the cell's middle is (8, 8)
        pointing([3, 3], box(4, 4, 8, 8)), // beside it
        pointing([1, 1], box(28, 28, 8, 8)), // 4 by 4 pixels before it: 5.7 away, and the picture's middle is on it
        pointing(null, box(60, 28, 1, 1)), // an empty map, and no cell's middle near
      ],
      { tolerance: 2 },
    );
    expect(score).toMatchObject({ hits: 1, pictures: 4, score: 0.25, empty: 1 });
    expect(score.interval![0]).toBeCloseTo(0.0456, 4);
    expect(score.interval![1]).toBeCloseTo(0.6994, 4);
    expect(score.centre).toMatchObject({ hits: 1, score: 0.25 });
    expect(score.offCentre).toMatchObject({ hits: 1, pictures: 3 });
    expect(score.ceiling).toMatchObject({ hits: 2, score: 0.5 });
  });

  it("chance is the share of what was seen that the region takes, cut off at its edges", () => {
    expect(pointingGame([pointing([0, 0], box(-16, 0, 32, 64))], { tolerance: 0 }).chance).toBeCloseTo(0.25, 3);
    const round = pointingGame([pointing([0, 0], box(32, 32, 1e-9, 1e-9))], { tolerance: 16 }).chance;
    expect(round).toBeCloseTo((Math.PI * 16 ** 2) / 64 ** 2, 2);
  });

  it("allows 15 pixels in 224, as published, unless it is told otherwise", () => {
    const at = (distance: number) => pointingGame([pointing([0, 0], box(8 + distance, 0, 1, 64))]).hits;
    expect([at((15 / 224) * 64 - 0.01), at((15 / 224) * 64 + 0.01)]).toEqual([1, 0]);
  });
});

describe("boxes", () => {
  const write = (text: string): string => {
    const path = join(folder, "boxes.csv");
    writeFileSync(path, text);
    return path;
  };

  it("are read by picture, several of one together, those of other splits and whole bones left out", () => {
    const path = write(
      "path,split,class,left,top,width,height\n" +
        "a.png,test,fractured,1,2,3,4\nb.png,test,whole,,,,\nc.png,train,fractured,1,1,1,1\na.png,test,fractured,5.5,6,7,8\n",
    );
    expect(readBoxes(path, "test")).toEqual([
      { path: join(folder, "a.png"), class: "fractured", boxes: [box(1, 2, 3, 4), box(5.5, 6, 7, 8)] },
    ]);
    expect(readBoxes(path, "train").map((picture) => picture.path)).toEqual([join(folder, "c.png")]);
    expect(() => readBoxes(path, "val")).toThrow(`${path}: has no picture of the val split with a box`);
  });

  it.each([
    ["a.png,x,1,2,,4", 'line 2: width is no number of pixels ("")'],
    ["a.png,x,1,2,0,4", 'line 2: width is no number of pixels ("0")'],
    ["a.png,x,left,2,3,4", 'line 2: left is no number of pixels ("left")'],
    ["a.png,x,1,2,3,4\na.png,y,1,2,3,4", 'line 3: a.png was of class "x" before, and is "y" here'],
  ])("%j is refused, naming the line", (lines, reason) => {
    const path = write(`path,class,left,top,width,height\n${lines}\n`);
    expect(() => readBoxes(path, "test")).toThrow(`${path}: ${reason}`);
  });

  it("a folder that is no phantom set is told what is needed", () => {
    expect(() => readBoxes(folder, "test")).toThrow("is no phantom set (phantom.csv is missing)");
    expect(() => readBoxes(join(folder, "missing"), "test")).toThrow("no such file or folder");
  });
});
