import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toGrey, toRgb } from "./colour.ts";
import { PreprocessingError, type Picture } from "./picture.ts";
import {
  cropTo,
  IMAGENET_PREPROCESSING,
  normalise,
  parsePreprocessing,
  preprocess,
  workingPreprocessing,
} from "./preprocessing.ts";
import { resizeBilinear } from "./resize.ts";

interface Digest {
  readonly sha256: string;
  readonly head: readonly number[];
}
interface Torch {
  readonly resized: readonly (Digest & { from: [number, number, 1 | 3]; to: [number, number] })[];
  readonly cropped: readonly {
    from: [number, number, 1 | 3];
    preprocessing: { channels: "grey" | "rgb"; resize: number; crop: number };
    eightBit: Digest;
    f32: string;
  }[];
}
const torch: Torch = JSON.parse(readFileSync(new URL("./testdata/preprocessing.json", import.meta.url), "utf8"));

/** The script's picture of noise. */
function noise(width: number, height: number, channels: 1 | 3): Picture {
  let state = 1;
  const data = Uint8Array.from({ length: width * height * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return { data, width, height, channels };
}

const sha256 = (data: NodeJS.ArrayBufferView): string => createHash("sha256").update(data).digest("hex");
const digest = ({ data }: Picture): Digest => ({ sha256: sha256(data), head: Array.from(data.subarray(0, 8)) });

describe("resizeBilinear", () => {
  test.each(torch.resized)("gives Pillow's bytes from $from to $to", ({ from, to: [width, height], sha256, head }) => {
    expect(digest(resizeBilinear(noise(...from), { width, height }))).toEqual({ sha256, head });
  });

  test.each([1, 3] as const)("gives with a window the crop of what it gives without, %i channels", (channels) => {
    const picture = noise(90, 61, channels);
    const window = { x: 3, y: 11, width: 20, height: 17 };
    for (const size of [
      { width: 31, height: 40 },
      { width: 90, height: 61 },
      { width: 90, height: 33 },
      { width: 44, height: 61 },
    ]) {
      const whole = resizeBilinear(picture, size);
      const rows = Array.from({ length: window.height }, (_, y) => {
        const from = ((window.y + y) * size.width + window.x) * channels;
        return Array.from(whole.data.subarray(from, from + window.width * channels));
      });
      expect(Array.from(resizeBilinear(picture, { ...size, window }).data)).toEqual(rows.flat());
    }
  });

  test("refuses a window beyond the picture and a picture of the wrong length", () => {
    const window = { x: 2, y: 0, width: 4, height: 5 };
    expect(() => resizeBilinear(noise(9, 9, 1), { width: 5, height: 5, window })).toThrow(
      "resizeBilinear: no window of 4 x 5 pixels at (2, 0) in a picture of 5 x 5",
    );
    expect(() => resizeBilinear({ ...noise(9, 9, 1), channels: 3 }, { width: 5, height: 5 })).toThrow(
      "resizeBilinear: a picture of 9 x 9 pixels with 3 channels can't have 81 bytes",
    );
  });
});

describe("preprocessing", () => {
  test.each(torch.cropped)("gives torchvision's bits: $from, $preprocessing", (example) => {
    const preprocessing = { ...IMAGENET_PREPROCESSING.V1, ...example.preprocessing };
    const picture = noise(...example.from);
    expect(digest(cropTo(picture, preprocessing))).toEqual(example.eightBit);
    expect(sha256(preprocess(picture, preprocessing))).toEqual(example.f32);
  });

  test("a picture of the working size passes untouched", () => {
    const picture = noise(24, 24, 1);
    expect(cropTo(picture, workingPreprocessing(24)).data).toEqual(picture.data);
  });

  test("computes no more of a very long picture than the crop shows", () => {
    // Resized whole it would have 2 x 10^9 pixels.
    const picture = noise(20_000, 1, 1);
    expect(cropTo(picture, workingPreprocessing(320)).data.length).toBe(320 * 320);
  });

  test("grey becomes three equal channels, each with its own mean and deviation", () => {
    const { mean, std } = IMAGENET_PREPROCESSING.V2;
    const grey = noise(5, 4, 1);
    expect(normalise(grey, { mean, std })).toEqual(normalise(toRgb(grey), { mean, std }));
    expect(toGrey(toRgb(grey)).data).toEqual(grey.data);
  });
});

describe("parsePreprocessing", () => {
  test("gives back what JSON kept, and no other field", () => {
    const stored: unknown = JSON.parse(JSON.stringify({ ...IMAGENET_PREPROCESSING.V2, other: 1 }));
    expect(parsePreprocessing(stored)).toEqual(IMAGENET_PREPROCESSING.V2);
  });

  test.each([
    [{ resize: 1.5 }, "preprocessing.resize: expected an integer from 1 to 16384, got 1.5"],
    [{ crop: 257 }, "preprocessing.crop: expected an integer from 1 to resize (256), got 257"],
    [{ channels: "gray" }, `preprocessing.channels: expected "grey" or "rgb", got "gray"`],
    [{ mean: [0, 0] }, "preprocessing.mean: expected three finite numbers, got [0,0]"],
    [{ std: [1, 0, 1] }, "preprocessing.std: expected three finite numbers > 0, got [1,0,1]"],
    [{ interpolation: "cubic" }, `preprocessing.interpolation: expected "bilinear", got "cubic"`],
  ])("refuses %j, naming the field", (wrong, message) => {
    expect(() => parsePreprocessing({ ...IMAGENET_PREPROCESSING.V1, ...wrong })).toThrow(
      new PreprocessingError(message.split(": ")[0]!, message.split(": ").slice(1).join(": ")),
    );
  });

  test("refuses what is no object", () => {
    expect(() => parsePreprocessing(null)).toThrow("preprocessing: expected an object");
  });
});
