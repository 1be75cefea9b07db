import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecipeError } from "../recipe/errors.ts";
import { parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { writePictures } from "../testing/pictures.ts";
import { balancedWeights } from "./classWeights.ts";
import { readTrainingData } from "./trainingData.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-data-"));
const data = join(folder, "data");
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => writePictures(data, 4, { train: 10, test: 2 }));

const read = (options: RecipeOptions) => readTrainingData(data, parseRecipe(options));

describe("the pictures of a recipe", () => {
  test("are by default all of a training folder, though there is no validation folder", async () => {
    const { splits } = await read({});
    expect([splits.train!.paths.length, splits.val, splits.test!.paths.length]).toEqual([20, null, 4]);
  });

  test("are held out for validation where valFraction says so: stratified, by seed, and nothing twice", async () => {
    const { splits } = await read({ valFraction: 0.2, seed: 1 });
    expect(splits.val!.labels).toEqual([0, 0, 1, 1]);
    expect(splits.train!.labels.filter((label) => label === 0)).toHaveLength(8);
    expect(new Set([...splits.train!.paths, ...splits.val!.paths]).size).toBe(20);
    expect((await read({ valFraction: 0.2, seed: 1 })).splits.val).toEqual(splits.val);
    expect((await read({ valFraction: 0.2, seed: 2 })).splits.val).not.toEqual(splits.val);
  });

  test("of one patient are not parted", async () => {
    // 0.png of both classes is one patient's, and so on.
    const patientPattern = "(\\d+)\\.png$";
    const { splits } = await read({ valFraction: 0.3, patientPattern });
    const names = (paths: readonly string[]): Set<string> => new Set(paths.map((path) => basename(path)));
    const [train, val] = [names(splits.train!.paths), names(splits.val!.paths)];
    expect([...val].filter((name) => train.has(name))).toEqual([]);
    expect(new Set(splits.val!.paths.map((path) => basename(dirname(path)))).size).toBe(2);
  });

  test("a pattern that tells no patient is refused, and so is one that is none", async () => {
    await expect(read({ valFraction: 0.2, patientPattern: "patient(\\d+)" })).rejects.toThrow(
      "patientPattern: whose picture it is can't be told from its name",
    );
    await expect(read({ patientPattern: "(" })).rejects.toThrow(RecipeError);
  });

  test("of a folder without splits are split by the recipe", async () => {
    const { splits, layout } = await readTrainingData(
      join(data, "train"),
      parseRecipe({ valFraction: 0.2, testFraction: 0 }),
    );
    expect([layout, splits.train!.paths.length, splits.val!.paths.length, splits.test]).toEqual([
      "classes",
      16,
      4,
      null,
    ]);
  });
});

test("balanced class weights are scikit-learn's: samples / (classes * samples of the class)", () => {
  expect(balancedWeights([0, 0, 0, 1], 2)).toEqual([4 / 6, 2]);
});
