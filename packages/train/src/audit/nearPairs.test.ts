import sharp, { type Sharp } from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { drawPhantom } from "../phantom/drawPhantom.ts";
import { fingerprintOf, packFingerprint, unpackFingerprint, type Fingerprint } from "./fingerprint.ts";
import { nearPairs } from "./nearPairs.ts";
import { SYMMETRY_NAMES } from "./symmetry.ts";

const SIZE = 128;
const phantom = (index: number): Sharp =>
  sharp(drawPhantom({ size: SIZE, fractured: index % 2 === 0, seed: 5, split: "train", index }).pixels, {
    raw: { width: SIZE, height: SIZE, channels: 1 },
  });
const print = async (image: Sharp): Promise<Fingerprint> => fingerprintOf(await image.png().toBuffer(), "a.png");
const compressed = async (image: Sharp, quality: number): Promise<Fingerprint> =>
  fingerprintOf(await image.jpeg({ quality }).toBuffer(), "a.jpg");

describe("copies of a film", () => {
  let films: Fingerprint[] = [];
  beforeAll(async () => {
    films = await Promise.all(Array.from({ length: 12 }, (_, i) => print(phantom(i))));
  });

  test("are not seen in different films", async () => {
    expect(await nearPairs(films)).toEqual([]);
  });

  test.each<[string, (image: Sharp) => Sharp]>([
    ["", (image) => image],
    ["mirrored", (image) => image.flop()],
    ["mirrored and turned by 180 degrees", (image) => image.flip()],
    ["turned by 180 degrees", (image) => image.rotate(180)],
    ["turned by 90 degrees", (image) => image.rotate(90)],
    ["turned by 270 degrees", (image) => image.rotate(270)],
  ])("are found however they lie: %s", async (how, turn) => {
    const copies = await Promise.all([0, 1, 2, 3].map((i) => print(turn(phantom(i)))));
    const pairs = await nearPairs([...films, ...copies]);
    expect(pairs.map(({ a, b }) => [a, b - films.length])).toEqual([0, 1, 2, 3].map((i) => [i, i]));
    for (const { symmetry, similarity } of pairs) {
      expect(SYMMETRY_NAMES[symmetry]).toBe(how);
      expect(similarity).toBeGreaterThan(0.99);
    }
  });

  test.each<[string, (image: Sharp) => Promise<Fingerprint>]>([
    ["70% of the size", (image) => print(image.resize(Math.round(0.7 * SIZE)))],
    ["JPEG of quality 40", (image) => compressed(image, 40)],
    ["darker", (image) => print(image.linear(0.7, 0))],
    ["brighter, with the brightest levels cut", (image) => print(image.linear(1.3, 0))],
    ["another gamma", (image) => print(image.gamma(1.5))],
    ["all of it at once", (image) => compressed(image.rotate(90).flip().resize(90, 90).linear(0.8, 10), 40)],
    ["squeezed to another aspect", (image) => print(image.resize(128, 96, { fit: "fill" }))],
  ])("are found: %s", async (_, change) => {
    const copies = await Promise.all([0, 1, 2, 3].map((i) => change(phantom(i))));
    const pairs = await nearPairs([...films, ...copies]);
    expect(pairs.map(({ a, b }) => [a, b - films.length])).toEqual([0, 1, 2, 3].map((i) => [i, i]));
  });

  test("pictures without contrast are no one's copies", async () => {
    const flat = await print(sharp({ create: { width: 64, height: 64, channels: 3, background: "#777" } }));
    expect(flat.detail).toBeNull();
    expect(await nearPairs([...films, flat, flat])).toEqual([]);
  });

  test("a fingerprint comes out of the cache as it went in", async () => {
    for (const made of [films[0]!, await compressed(phantom(0), 40)])
      expect(unpackFingerprint(packFingerprint(made))).toEqual(made);
  });

  test.each([10, 40, 75, 90, 100])("the quality of a JPEG is read from its tables: %i", async (quality) => {
    expect((await compressed(phantom(0), quality)).jpegQuality).toBe(quality);
  });
});
