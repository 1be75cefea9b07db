import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCsv } from "../run/csv.ts";
import { drawPhantom } from "./drawPhantom.ts";
import { BREAK_COLUMNS, writePhantomSet } from "./writePhantomSet.ts";

const SMALL = { train: 4, val: 2, test: 3, size: 32, seed: 5 };

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "phantom-"));
  folder = join(root, "set");
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function filesOf(path: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(file.slice(path.length + 1), (await readFile(file)).toString("base64"));
  }
  return files;
}

/** The probability that a fractured picture has the larger value, ties counted half: Mann and Whitney's U. */
function areaUnderCurve(fractured: readonly number[], whole: readonly number[]): number {
  let larger = 0;
  for (const a of fractured) for (const b of whole) larger += a > b ? 1 : a === b ? 0.5 : 0;
  return larger / fractured.length / whole.length;
}

describe("writePhantomSet", () => {
  it("writes 8-bit grey pictures by split and class, balanced, and says how many", async () => {
    const { counts } = await writePhantomSet(folder, SMALL);
    expect(counts).toEqual({
      train: { fractured: 2, whole: 2 },
      val: { fractured: 1, whole: 1 },
      test: { fractured: 2, whole: 1 },
    });
    expect([...(await filesOf(folder)).keys()].sort()).toEqual([
      "phantom.csv",
      "phantom.json",
      "test/fractured/0000.png",
      "test/fractured/0002.png",
      "test/not fractured/0001.png",
      "train/fractured/0000.png",
      "train/fractured/0002.png",
      "train/not fractured/0001.png",
      "train/not fractured/0003.png",
      "val/fractured/0000.png",
      "val/not fractured/0001.png",
    ]);
    const path = join(folder, "test/fractured/0002.png");
    expect(await sharp(path).metadata()).toMatchObject({
      width: 32,
      height: 32,
      channels: 1,
      depth: "uchar",
      format: "png",
    });
    const { data } = await sharp(path).toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
    expect(new Uint8Array(data)).toEqual(
      drawPhantom({ size: 32, seed: 5, split: "test", index: 2, fractured: true }).pixels,
    );
  });

  it("phantom.csv places each break, and no whole bone has one", async () => {
    await writePhantomSet(folder, SMALL);
    const records = readCsv(join(folder, "phantom.csv"), BREAK_COLUMNS);
    expect(records).toHaveLength(9);
    for (const record of records) {
      expect(record.path).toBe(`${record.split}/${record.class}/${record.path.slice(-8)}`);
      await stat(join(folder, record.path));
      expect(record.x === "").toBe(record.class === "not fractured");
    }
    const { break: broken } = drawPhantom({ size: 32, seed: 5, split: "train", index: 2, fractured: true });
    const record = records.find(({ path }) => path === "train/fractured/0002.png")!;
    expect(Number(record.x)).toBeCloseTo(broken!.centre.x, 2);
    expect(Number(record.left)).toBe(broken!.box.left);
    expect(Number(record.height)).toBe(broken!.box.height);
  });

  it("the same options give the same bytes, and more pictures leave the first ones as they are", async () => {
    await writePhantomSet(folder, SMALL);
    const first = await filesOf(folder);
    await writePhantomSet(folder, SMALL);
    expect(await filesOf(folder)).toEqual(first);
    await writePhantomSet(join(root, "more"), { ...SMALL, train: 6 });
    const more = await filesOf(join(root, "more"));
    for (const [path, bytes] of first) if (path.endsWith(".png")) expect(more.get(path)).toBe(bytes);
  });

  it("a smaller set in the place of a larger one leaves none of its pictures", async () => {
    await writePhantomSet(folder, SMALL);
    await writePhantomSet(folder, { ...SMALL, train: 2, val: 0 });
    const paths = [...(await filesOf(folder)).keys()];
    expect(paths).toHaveLength(2 + 2 + 3);
    expect(await readdir(folder)).not.toContain("val");
  });

  it("refuses a folder that is not a phantom set, or that holds something besides, and leaves it as it is", async () => {
    await mkdir(join(folder, "train"), { recursive: true });
    await writeFile(join(folder, "train/mine.png"), "mine");
    const refused = await writePhantomSet(folder, SMALL).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "PhantomError", fault: "notEmpty", exitCode: 2 });
    expect(refused).toHaveProperty(
      "message",
      `${folder}: is not empty (train/mine.png) and is no phantom set; choose another folder`,
    );
    expect([...(await filesOf(folder)).keys()]).toEqual(["train/mine.png"]);

    const other = join(root, "other");
    await writePhantomSet(other, SMALL);
    await writeFile(join(other, "train/fractured/film.png"), "mine");
    const before = await filesOf(other);
    await expect(writePhantomSet(other, SMALL)).rejects.toThrow(
      "holds a phantom set and a file that is not of it (train/fractured/film.png)",
    );
    expect(await filesOf(other)).toEqual(before);

    await writeFile(join(root, "file"), "mine");
    await expect(writePhantomSet(join(root, "file"), SMALL)).rejects.toMatchObject({ fault: "notAFolder" });
  });

  it.each([
    [{ train: 1 }, "phantom set: train must be 0 or an integer from 2, got 1"],
    [{ size: 16 }, "phantom set: size must be an integer from 32 to 2048, got 16"],
    [{ seed: -1 }, "phantom set: seed must be an integer from 0, got -1"],
    [{ hairlineShare: NaN }, "phantom set: hairlineShare must be from 0 to 1, got NaN"],
    [{ jointShare: 2 }, "phantom set: jointShare must be from 0 to 1, got 2"],
    [{ tilt: 90 }, "phantom set: tilt must be from 0 to 45, got 90"],
    [{ limb: "wing" as "leg" }, "phantom set: limb must be any, forearm, leg or arm, got wing"],
    [{ train: 0, val: 0, test: 0 }, "phantom set: train, val and test are all 0, and a set needs a picture"],
  ])("refuses %j before it writes", async (options, message) => {
    await expect(writePhantomSet(folder, options)).rejects.toThrow(message);
    expect(await readdir(root)).toEqual([]);
  });

  it("reports each picture, and stops on request with a set that the next run may replace", async () => {
    const seen: number[] = [];
    await writePhantomSet(folder, { ...SMALL, onProgress: ({ done, total }) => seen.push(done / total) });
    expect(seen).toHaveLength(9);
    expect(seen.at(-1)).toBe(1);
    const controller = new AbortController();
    const stopped = writePhantomSet(folder, {
      ...SMALL,
      train: 40,
      signal: controller.signal,
      onProgress: ({ done }) => done === 3 && controller.abort(new Error("stop")),
    });
    await expect(stopped).rejects.toThrow("stop");
    expect((await filesOf(folder)).size).toBeLessThan(20);
    expect(JSON.parse(await readFile(join(folder, "phantom.json"), "utf8"))).toMatchObject({ complete: false });
    await writePhantomSet(folder, SMALL);
    expect((await filesOf(folder)).size).toBe(11);
  });

  it("brightness, contrast, grain and file size do not tell the classes apart", async () => {
    await writePhantomSet(folder, { train: 160, val: 0, test: 0, size: 48, seed: 11 });
    const features: Record<string, { fractured: number[]; whole: number[] }> = {};
    for (const { path, class: name } of readCsv(join(folder, "phantom.csv"), BREAK_COLUMNS)) {
      const { data } = await sharp(join(folder, path)).toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
      const values = {
        mean,
        deviation: data.reduce((sum, value) => sum + (value - mean) ** 2, 0),
        black: data.reduce((sum, value) => sum + (value < 8 ? 1 : 0), 0),
        white: data.reduce((sum, value) => sum + (value > 240 ? 1 : 0), 0),
        grain: data.reduce((sum, value, i) => sum + (i === 0 ? 0 : Math.abs(value - data[i - 1]!)), 0),
        bytes: (await stat(join(folder, path))).size,
      };
      for (const [feature, value] of Object.entries(values)) {
        features[feature] ??= { fractured: [], whole: [] };
        features[feature][name === "fractured" ? "fractured" : "whole"].push(value);
      }
    }
    for (const [feature, { fractured, whole }] of Object.entries(features)) {
      expect(fractured).toHaveLength(80);
      expect(whole).toHaveLength(80);
      // Chance alone strays from a half by 0.046, one standard deviation, with 80 of each.
      expect(Math.abs(areaUnderCurve(fractured, whole) - 0.5), feature).toBeLessThan(0.1);
    }
  });
});
