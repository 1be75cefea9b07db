import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { cropTo, type Picture } from "@fracture/resnet";
import { peakOf, pointIn, seenSquare, spread, type HeatMap } from "./heatMap.ts";

const torch = JSON.parse(readFileSync(new URL("testdata/gradCam.json", import.meta.url), "utf8")) as {
  readonly spread: { readonly map: readonly number[][]; readonly result: readonly number[][] };
};

const mapOf = (rows: readonly (readonly number[])[]): HeatMap => ({
  layer: "layer4",
  class: 0,
  width: rows[0]!.length,
  height: rows.length,
  values: Float32Array.from(rows.flat()),
});

it("a map is spread as torch's bilinear interpolation does, of its largest value, and only over its square", () => {
  const { map, result } = torch.spread;
  const heat = spread(mapOf(map), { left: 2, top: 3, width: 10, height: 6 }, { width: 13, height: 11 });
  for (let y = 0; y < 11; y++)
    for (let x = 0; x < 13; x++) {
      const expected = result[y - 3]?.[x - 2];
      if (expected === undefined) expect(heat[y * 13 + x]).toBeNaN();
      else expect(heat[y * 13 + x]).toBeCloseTo(expected, 6);
    }
});

it("a map of zeros is no heat, and points nowhere", () => {
  const empty = mapOf([[0, 0]]);
  expect(Array.from(spread(empty, { left: 0, top: 0, width: 2, height: 1 }, { width: 2, height: 1 }))).toEqual([0, 0]);
  expect(peakOf(empty)).toBeNull();
});

it("the largest cell's middle is what a map points at, the first of equal ones", () => {
  const map = mapOf([
    [0, 3, 0],
    [1, 0, 3],
  ]);
  expect(peakOf(map)).toEqual({ x: 0.5, y: 0.25 });
  expect(pointIn({ left: 10, top: 20, width: 60, height: 40 }, peakOf(map)!)).toEqual({ x: 40, y: 30 });
});

// One bright block, looked for where the square says that the crop shows it.
it.each([
  [400, 300],
  [150, 260],
  [97, 97],
])("what lies at a place of the crop lies in the picture where the square says it does (%i x %i)", (width, height) => {
  const preprocessing = { resize: 64, crop: 56, channels: "grey" } as const;
  const seen = seenSquare({ width, height }, preprocessing);
  const share = { x: 0.3, y: 0.7 };
  const { x, y } = pointIn(seen, share);
  const radius = width / 24;
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.hypot((i % width) + 0.5 - x, Math.floor(i / width) + 0.5 - y) < radius ? 255 : 0,
  );
  const picture: Picture = { data, width, height, channels: 1 };
  const crop = cropTo(picture, preprocessing).data;
  const sums = { x: 0, y: 0, all: 0 };
  for (const [i, value] of crop.entries()) {
    sums.x += value * ((i % 56) + 0.5);
    sums.y += value * (Math.floor(i / 56) + 0.5);
    sums.all += value;
  }
  expect(sums.x / sums.all / 56).toBeCloseTo(share.x, 2);
  expect(sums.y / sums.all / 56).toBeCloseTo(share.y, 2);
});
