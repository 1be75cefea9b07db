import { expect, it } from "vitest";
import type { Picture } from "@fracture/resnet";
import { inferno } from "./colourMap.ts";
import type { HeatMap } from "./heatMap.ts";
import { overlayOf, sideBySide } from "./overlay.ts";

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** CIE L*, from linear light. */
const lightness = ([r, g, b]: readonly number[]): number => {
  const y = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (24389 / 27) * y;
};

/** Machado, Oliveira and Fernandes 2009, severity 1, on linear light. */
const VISION: Readonly<Record<string, readonly (readonly number[])[]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

it.each(Object.entries(VISION))("inferno grows lighter with every step, for people with %s vision", (_, matrix) => {
  const steps = Array.from({ length: 17 }, (__, i) => {
    const rgb = inferno(i / 16).map((value) => linear(value / 255));
    return lightness(matrix.map((row) => row.reduce((sum, weight, c) => sum + weight * rgb[c]!, 0)));
  });
  const rises = steps.slice(1).map((value, i) => value - steps[i]!);
  expect(Math.min(...rises)).toBeGreaterThan(2);
  expect(Math.max(...rises)).toBeLessThan(12);
  expect(steps.at(-1)! - steps[0]!).toBeGreaterThan(90);
});

const grey = (width: number, height: number, value: number): Picture => ({
  data: new Uint8Array(width * height).fill(value),
  width,
  height,
  channels: 1,
});
/** Hot in its right half. */
const map: HeatMap = { layer: "layer4", class: 0, width: 2, height: 1, values: Float32Array.of(0, 5) };
const at = ({ data, width }: Picture, x: number, y: number): number[] =>
  Array.from(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3));

it("heat colours the square that the network saw, and what lies past it is dark and framed", () => {
  const { plain, overlay } = overlayOf(grey(800, 400, 200), map, { resize: 8, crop: 8 }, { longest: 400 });
  expect([plain.width, plain.height, overlay.width, overlay.height]).toEqual([400, 200, 400, 200]);
  expect(at(plain, 200, 100)).toEqual([200, 200, 200]);
  expect(at(overlay, 50, 100)).toEqual([100, 100, 100]); // outside
  expect(at(overlay, 100, 100)).toEqual([128, 128, 128]); // the frame
  const [cold, hot] = [at(overlay, 110, 100), at(overlay, 290, 100)];
  expect(cold).toEqual([160, 160, 161]);
  expect(hot).toEqual(inferno(1).map((value) => Math.round(200 * 0.4 + value * 0.6)));
});

it("a picture that was seen whole has no frame, and a small one is enlarged by a whole factor", () => {
  const { plain, overlay } = overlayOf(grey(30, 30, 0), map, { resize: 8, crop: 8 }, { longest: 400 });
  expect([plain.width, plain.height]).toEqual([180, 180]);
  expect(at(overlay, 0, 90)).toEqual(inferno(0).map((value) => Math.round(value * 0.2)));
});

it("two pictures stand side by side with white between them", () => {
  const pair = sideBySide(
    ...((["plain", "overlay"] as const).map(
      (name) => overlayOf(grey(10, 10, 9), map, { resize: 8, crop: 8 }, { longest: 20 })[name],
    ) as [Picture, Picture]),
  );
  expect([pair.width, pair.height, pair.data.length]).toEqual([24, 10, 24 * 10 * 3]);
  expect(at(pair, 9, 5)).toEqual([9, 9, 9]);
  expect(at(pair, 11, 5)).toEqual([255, 255, 255]);
  expect(at(pair, 23, 5)).not.toEqual([9, 9, 9]);
});
