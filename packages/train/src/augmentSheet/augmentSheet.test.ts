import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { capture } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { DEFAULT_AUGMENTATION } from "../data/augment.ts";
import { PictureFeed } from "../data/pictureFeed.ts";
import { PictureStore } from "../data/store.ts";
import { formulaPicture, writePictures } from "../testing/pictures.ts";
import { augmentData } from "./augmentData.ts";
import { augmentedSamples, spreadPlaces } from "./augmentedSamples.ts";
import { augmentationTable } from "./sheet.ts";

const SIZE = 24;
const preprocessing = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

const folder = mkdtempSync(join(tmpdir(), "fracture-augment-"));
const data = join(folder, "data");
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => writePictures(data, SIZE, { train: 3, test: 1 }));

it("takes classes in turn, evenly spread through each, none twice", () => {
  const labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
  expect(spreadPlaces(labels, 4)).toEqual([2, 9, 11, 6]);
  expect(spreadPlaces(labels, 9)).toEqual([1, 8, 11, 4, 9, 6, 10]);
  expect(spreadPlaces([0, 1], 6)).toEqual([0, 1]);
});

describeDevice("augmented samples", (device) => {
  it("are what training sees of these pictures, among all others, in these epochs", async () => {
    const count = 9;
    const all = Array.from({ length: count }, (_, i) => formulaPicture(SIZE, i % 2, i));
    const places = [2, 7];
    const shown = await augmentedSamples(
      device(),
      {
        paths: ["a", "b"],
        places,
        pictures: { data: Buffer.concat(places.map((place) => all[place]!)), size: SIZE, channels: 1 },
      },
      { preprocessing, augmentation: DEFAULT_AUGMENTATION, seed: 5, draws: 2 },
    );
    using store = new PictureStore({ device: device(), count, height: SIZE, width: SIZE, channels: 1 });
    all.forEach((picture, i) => store.write(i, picture));
    const options = { store, size: SIZE, seed: 5, ...preprocessing };
    const batch = new PictureFeed({ ...options, augmentation: DEFAULT_AUGMENTATION }).batch(count);
    const program = await capture(device(), () => batch.tensor());
    batch.load([0, 1, 2, 3, 4, 5, 6, 7, 8], 1);
    program.replay();
    const seen = await program.result.data();
    const each = SIZE * SIZE * 3;
    for (const [row, place] of places.entries()) {
      // Without augmentation the picture itself, grey in three channels.
      expect(shown[row]!.plain).toEqual(Uint8Array.from({ length: each }, (_, i) => all[place]![Math.floor(i / 3)]!));
      const { epoch, pixels } = shown[row]!.draws[1]!;
      expect(epoch).toBe(1);
      pixels.forEach((level, i) => {
        const value = seen[place * each + i]! * preprocessing.std[i % 3]! + preprocessing.mean[i % 3]!;
        expect(Math.abs(level - Math.min(255, Math.max(0, 255 * value)))).toBeLessThan(0.51);
      });
    }
    expect(shown[0]!.draws[0]!.pixels).not.toEqual(shown[0]!.draws[1]!.pixels);
    const table = augmentationTable(shown, (path) => path).split("\n");
    expect(table).toHaveLength(1 + 2 * 2 + 1);
    expect(table[2]).toMatch(/^a,2,[\d.]+,[\d.]+,[\d.]+,[\d.]+,(true|false),-?[\d.]+,[\d.]+,[\d.]+$/);
    program.result.dispose();
    program.dispose();
    batch.dispose();
  });

  it("are drawn on a sheet that holds their names and pictures, and never among the pictures", async () => {
    const context = { openDevice: async () => device() };
    const recipe = { size: SIZE, seed: 1 };
    const given = { data, recipe, rows: 3, draws: 2, cacheFolder: null };
    const svg = join(folder, "sheets", "sheet.svg");
    const { samples } = await augmentData({ ...given, out: svg }, context);
    const text = readFileSync(svg, "utf8");
    expect(text.match(/data:image\/png;base64,/g)).toHaveLength(3 * 3);
    for (const { path } of samples) expect(text).toContain(path.slice(data.length + 1));
    writeFileSync(join(data, "train", "fractured", "0.png"), "");
    const png = join(folder, "sheets", "sheet.png");
    const again = await augmentData({ ...given, rows: 6, out: png }, context);
    expect([again.samples.length, again.unreadable.length]).toEqual([5, 1]);
    expect((await sharp(png).metadata()).format).toBe("png");
    const inside = join(data, "train", "sheet.png");
    await expect(augmentData({ ...given, out: inside }, context)).rejects.toThrow("where nothing is written");
    expect(existsSync(inside)).toBe(false);
    const none = augmentData({ ...given, out: png, recipe: { augmentation: null } }, context);
    await expect(none).rejects.toThrow("there is nothing to show");
  });
});
