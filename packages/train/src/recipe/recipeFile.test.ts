import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { RecipeError } from "./errors.ts";
import { parseRecipe } from "./recipe.ts";
import { readRecipeFile } from "./recipeFile.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-recipe-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const YAML = `
# what a colleague sent
weights: start.pth
augmentation: none
batchSize: 8
stages:
  - { freeze: all, epochs: 4, lr: 0.01 }
  - { freeze: layer3, epochs: 2, lr: 1.0e-4, warmup: 0.5 }
`;

test("a recipe in YAML says what it says, and nothing of what it leaves out", async () => {
  file("start.pth", "");
  expect(await readRecipeFile(file("recipe.yaml", YAML))).toEqual({
    weights: join(folder, "start.pth"),
    augmentation: null,
    batchSize: 8,
    stages: [
      { freeze: "all", epochs: 4, lr: 0.01 },
      { freeze: "layer3", epochs: 2, lr: 1e-4, warmup: 0.5 },
    ],
  });
  expect(await readRecipeFile(file("default.yml", "augmentation: default\nweights: resnet50\n"))).toEqual({
    weights: "resnet50",
  });
});

test("a run's own configuration is a recipe: that of the same run", async () => {
  const recipe = parseRecipe({
    weights: "/w.pth",
    lr: 0.5,
    augmentation: { ...parseRecipe({}).augmentation!, flip: 0 },
  });
  const path = file("config.json", JSON.stringify({ format: "fracture-run/1", data: "/d", recipe, stages: [] }));
  expect(parseRecipe(await readRecipeFile(path))).toEqual(recipe);
});

test("unknown keys are refused with the one that was probably meant, all of them at once, wherever they are", async () => {
  const path = file(
    "bad.json",
    JSON.stringify({ "batch-size": 8, zzz: 1, lr: "high", stages: [{ freze: "all", epochs: 1, lr: 1 }] }),
  );
  const error: unknown = await readRecipeFile(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RecipeError);
  const { message } = error as RecipeError;
  expect(message).toContain(`${path}: is no recipe:\n`);
  expect(message).toContain('\n  "batch-size": there is no such key; was "batchSize" meant?');
  expect(message).toMatch(/\n {2}"zzz": there is no such key; there are weights, architecture, /);
  expect(message).toContain('\n  "lr": Invalid input: expected number, received string');
  expect(message).toContain('\n  "stages.0.freze": there is no such key; was "freeze" meant?');
});

test.each([
  ["list.yaml", "- a\n- b\n", "it holds no keys and values"],
  ["empty.yaml", "", "it holds no keys and values"],
  ["broken.json", "{", "can't be read as a recipe"],
  ["broken.yaml", "a: [", "can't be read as a recipe"],
])("%s is refused by name", async (name, text, reason) => {
  const path = file(name, text);
  const error: unknown = await readRecipeFile(path).catch((why: unknown) => why);
  expect(error).toBeInstanceOf(RecipeError);
  expect((error as RecipeError).message).toContain(`${path}: `);
  expect((error as RecipeError).message).toContain(reason);
});

test("a file that isn't there is refused by name", async () => {
  await expect(readRecipeFile(join(folder, "none.json"))).rejects.toThrow(
    /none\.json: can't be read as a recipe:\n.*ENOENT/,
  );
});
