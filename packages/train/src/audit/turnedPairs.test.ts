import sharp, { type Sharp } from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { drawPhantom } from "../phantom/drawPhantom.ts";
import { Copies } from "./copies.ts";
import { fingerprintOf, type Fingerprint } from "./fingerprint.ts";
import { turnedPairs, turnInWords } from "./turnedPairs.ts";

const SIZE = 160;
const phantom = (index: number): Sharp =>
  sharp(drawPhantom({ size: SIZE, fractured: index % 2 === 0, seed: 5, split: "train", index }).pixels, {
    raw: { width: SIZE, height: SIZE, channels: 1 },
  });
const print = async (image: Sharp): Promise<Fingerprint> => fingerprintOf(await image.jpeg().toBuffer(), "a.jpg");

/** Turned about the middle, in the same frame, clockwise. */
async function turned(image: Sharp, degrees: number): Promise<Sharp> {
  const whole = sharp(await image.png().toBuffer()).rotate(degrees, { background: "#000" });
  const { data, info } = await whole.png().toBuffer({ resolveWithObject: true });
  const [left, top] = [Math.round((info.width - SIZE) / 2), Math.round((info.height - SIZE) / 2)];
  return sharp(data).extract({ left, top, width: SIZE, height: SIZE });
}

describe("a film turned by any angle", () => {
  let films: Fingerprint[] = [];
  beforeAll(async () => {
    films = await Promise.all(Array.from({ length: 10 }, (_, i) => print(phantom(i))));
  });

  test("is not seen in different films", async () => {
    expect(await turnedPairs(films)).toEqual([]);
  });

  test.each([
    [17, false],
    [-8, false],
    [143, false],
    [25, true],
  ])("is found, and by how much it was turned: %i degrees, mirrored first: %s", async (degrees, mirrored) => {
    const copies = await Promise.all(
      [1, 2, 3].map(async (i) => print(await turned(mirrored ? phantom(i).flop() : phantom(i), degrees))),
    );
    const pairs = await turnedPairs([...films, ...copies]);
    expect(pairs.map(({ a, b }) => [a, b - films.length])).toEqual([1, 2, 3].map((i) => [i, i - 1]));
    for (const pair of pairs) {
      expect(pair.mirrored).toBe(mirrored);
      // A step is 2.8 degrees.
      expect(Math.abs(((pair.degrees - degrees + 540) % 360) - 180)).toBeLessThan(3);
    }
  });

  test("is named from either side as it would have to be laid", async () => {
    const both = [films[0]!, await print(await turned(phantom(0), 45))];
    const copies = await Copies.find(both);
    expect(copies.best(0, () => true)).toMatchObject({ a: 0, b: 1, kind: "near", how: "turned by 45 degrees" });
    expect(copies.best(1, () => true)).toMatchObject({ a: 1, b: 0, kind: "near", how: "turned by 315 degrees" });
    expect(copies.groups).toEqual([[0, 1]]);
  });

  test("a search stops where it is told to", async () => {
    const many = Array.from({ length: 120 }, () => ({ structure: { low: 0, high: 0 }, detail: films[0]!.detail }));
    const signal = AbortSignal.abort();
    await expect(turnedPairs(many, { signal })).rejects.toBe(signal.reason);
  });

  test("is told in words", () => {
    expect([turnInWords(false, 16.9), turnInWords(true, 359.8), turnInWords(true, 90), turnInWords(false, 0)]).toEqual([
      "turned by 17 degrees",
      "mirrored",
      "mirrored and turned by 90 degrees",
      "",
    ]);
  });
});
