import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawPhantom } from "../phantom/drawPhantom.ts";
import { csvLine, readCsv } from "../run/csv.ts";
import { readTable } from "../data/table.ts";
import { readTrainingData } from "../api/trainingData.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { checkData } from "./cachedAudit.ts";
import { filmsAmong } from "./films.ts";
import { splitData } from "./splitData.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-split-"));
const data = join(folder, "data");
const out = join(folder, "lists", "split.csv");
const cacheFolder = join(folder, "cache");
afterAll(() => rmSync(folder, { recursive: true }));

const FILMS = 20;
const SIZE = 48;
// Each film twice, turned by 90 degrees, in splits that leak.
beforeAll(async () => {
  for (let index = 0; index < FILMS; index++) {
    const fractured = index % 2 === 0;
    const { pixels } = drawPhantom({ size: SIZE, fractured, seed: 3, split: "train", index });
    const image = () => sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 1 } });
    for (const [split, picture] of [
      ["train", image()],
      ["test", image().rotate(90)],
    ] as const) {
      const path = join(data, split, fractured ? "fractured" : "whole", `p${Math.floor(index / 4)}_${index}.png`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, await picture.png().toBuffer());
    }
  }
  writeFileSync(join(data, "train", "whole", "broken.png"), "");
});

const rowsOf = (csv: string) =>
  readTable(csv, ["path", "label"]).rows.map(({ cells }) => cells as { path: string; label: string });

describe("a new split", () => {
  const fractions = { train: 0.6, val: 0.2, test: 0.2 };

  test("keeps copies of one film together, and classes in their shares", async () => {
    expect((await checkData(data, { cacheFolder })).leaks[0]).toMatchObject({ split: "test", copies: FILMS });
    const summary = await splitData(data, { out, fractions, cacheFolder });
    expect(summary).toMatchObject({
      counts: { train: [12, 12], val: [4, 4], test: [4, 4] },
      groups: FILMS,
      largestGroup: 2,
      unreadable: [{ path: "train/whole/broken.png", reason: "is empty" }],
    });
    const audit = await checkData(out, { cacheFolder });
    expect(audit.leaks.map(({ copies }) => copies)).toEqual([0, 0, 0]);
    expect(audit.groups).toHaveLength(FILMS);
  });

  test("that training makes itself keeps copies of one film together, too", async () => {
    const films = (paths: readonly string[]) => filmsAmong(paths, { cacheFolder });
    const recipe = parseRecipe({ valFraction: 0.2 });
    // Both splits of the folder as one without splits, by a list.
    const list = join(folder, "lists", "all.csv");
    const lines = rowsOf(out).map(({ path, label }) => `${path},${label}`);
    writeFileSync(list, ["path,label", ...lines].join("\n"));
    const apart = async (given?: typeof films): Promise<number> => {
      const { splits } = await readTrainingData(list, recipe, ["train"], given);
      const of = (split: "train" | "val" | "test"): Set<string> =>
        new Set(splits[split]!.paths.map((path) => basename(path)));
      const train = of("train");
      return [...of("val"), ...of("test")].filter((name) => train.has(name)).length;
    };
    expect(await apart(films)).toBe(0);
    expect(await apart()).toBeGreaterThan(0);
  });

  test("that holds a part of the training folder out keeps copies of one film together, too", async () => {
    const copied = join(folder, "copied");
    for (const [name, path] of rowsOf(out).map(({ path }, i) => [`${i}.png`, join(dirname(out), path!)] as const)) {
      const to = join(copied, "train", basename(dirname(path)), name);
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(path, to);
    }
    const films = (paths: readonly string[]) => filmsAmong(paths, { cacheFolder });
    const { splits } = await readTrainingData(copied, parseRecipe({ valFraction: 0.2 }), ["train"], films);
    const paths = [...splits.train!.paths, ...splits.val!.paths];
    const heldOut = paths.map((_, i) => i >= splits.train!.paths.length);
    expect(heldOut.filter(Boolean)).toHaveLength(8);
    for (const film of await films(paths)) expect(new Set(film.map((i) => heldOut[i])).size).toBe(1);
  });

  test("is a file that training takes in place of the folder", async () => {
    const { splits, classes } = await readTrainingData(out, parseRecipe({}));
    expect(classes).toEqual(["fractured", "whole"]);
    expect(splits.val!.paths).toHaveLength(8);
    expect(splits.val!.paths.every((path) => existsSync(path))).toBe(true);
  });

  test("keeps a patient's pictures together", async () => {
    const options = { out, fractions, cacheFolder, patientPattern: "^(p\\d+)_" };
    expect(await splitData(data, options)).toMatchObject({ groups: 5, largestGroup: 8 });
    const splitsOf = new Map<string, Set<string>>();
    for (const { patient, split } of readCsv(out, ["patient", "split"]))
      splitsOf.set(patient, (splitsOf.get(patient) ?? new Set()).add(split));
    expect([...splitsOf.keys()].sort()).toEqual(["p0", "p1", "p2", "p3", "p4"]);
    expect([...splitsOf.values()].every(({ size }) => size === 1)).toBe(true);
    expect((await checkData(out, { cacheFolder })).patients).toEqual({ unknown: 0, split: [] });
  });

  test("keeps the columns that a list has besides, whatever they are called", async () => {
    const list = join(folder, "more", "with columns.csv");
    const again = join(folder, "more", "again.csv");
    mkdirSync(dirname(list));
    await splitData(data, { out, fractions, cacheFolder });
    const note = (path: string): string => `seen by "R, S"\n${basename(path)}`;
    const lines = rowsOf(out).map(({ path, label }, i) => csvLine([`../lists/${path}`, i, label, note(path)]));
    writeFileSync(list, csvLine(["path", "group", "label", "note"]) + lines.join(""));
    await splitData(list, { out: again, fractions, cacheFolder });
    const { columns, rows } = readTable(again, []);
    expect(columns).toEqual(["path", "label", "split", "patient", "split_group", "group", "note"]);
    expect(rows.map(({ cells }) => cells["note"])).toEqual(rows.map(({ cells }) => note(cells["path"]!)));
    expect(new Set(rows.map(({ cells }) => cells["group"])).size).toBe(2 * FILMS);
  });

  test("is the same with the same seed, another one with another", async () => {
    const make = async (seed: number): Promise<string> => {
      await splitData(data, { out, fractions, seed, cacheFolder });
      return readFileSync(out, "utf8");
    };
    const first = await make(1);
    expect(await make(1)).toBe(first);
    expect(await make(2)).not.toBe(first);
  });

  test("is not written among the pictures", async () => {
    const inside = join(data, "split.csv");
    await expect(splitData(data, { out: inside, cacheFolder })).rejects.toThrow("where nothing is written");
    expect(existsSync(inside)).toBe(false);
  });
});
