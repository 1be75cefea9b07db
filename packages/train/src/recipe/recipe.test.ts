import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { RecipeError } from "./errors.ts";
import { checkSameRecipe, parseRecipe, recipeSchema, type RecipeOptions } from "./recipe.ts";
import { readStagesFile, stagesOf } from "./stages.ts";

const stages = (options: RecipeOptions) => stagesOf(parseRecipe(options));

describe("a recipe", () => {
  test("has StepLR by 0.1 every 7 epochs and Adam at 1e-3, as the plain PyTorch loop", () => {
    expect(parseRecipe({})).toMatchObject({ optimizer: "adam", lr: 1e-3, stepSize: 7, gamma: 0.1, size: 224, seed: 0 });
  });

  test("goes through JSON unchanged", () => {
    const recipe = parseRecipe({
      weights: "w.pth",
      augmentation: null,
      stages: [{ freeze: "all", epochs: 2, lr: 0.1 }],
    });
    expect(recipeSchema.parse(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  });

  test("knows f32, which is the default, and mixed precision", () => {
    expect([parseRecipe({}).precision, parseRecipe({ precision: "mixed" }).precision]).toEqual(["f32", "mixed"]);
    expect(() => parseRecipe({ precision: "f16" as never })).toThrow(
      'these options make no sense:\n  precision: Invalid option: expected one of "f32"|"mixed"',
    );
  });

  test("refuses fractions that leave nothing to train on", () => {
    expect(() => parseRecipe({ valFraction: 0.6, testFraction: 0.4 })).toThrow(
      "these options make no sense:\n  valFraction: with testFraction it leaves nothing to train on",
    );
  });

  test("balances classes in one way at a time", () => {
    expect(() => parseRecipe({ sampler: "balanced", classWeights: "balanced", shuffle: false })).toThrow(
      /\n {2}shuffle: .*\n {2}classWeights: with a balanced sampler rare classes would count twice/,
    );
  });

  test("names every option at fault", () => {
    const error = (() => {
      try {
        return parseRecipe({ batchSize: 0, lr: -1, augmentation: { ...parseRecipe({}).augmentation!, flip: 2 } });
      } catch (reason) {
        return reason;
      }
    })();
    expect(error).toBeInstanceOf(RecipeError);
    expect((error as RecipeError).faults.map((fault) => fault.split(":")[0])).toEqual([
      "batchSize",
      "lr",
      "augmentation",
    ]);
  });
});

describe("the stages of a recipe", () => {
  test("are by default the head on frozen features, then layer4 with it at a tenth of the rate", () => {
    expect(stages({ weights: "w.pth", epochs: 9, lr: 1e-2 })).toEqual([
      { name: "head", freeze: "all", epochs: 6, lr: 1e-2, backboneLr: 1e-2, warmup: 0, layerDecay: 1 },
      { name: "from layer4", freeze: "layer3", epochs: 3, lr: 1e-3, backboneLr: 1e-3, warmup: 1, layerDecay: 1 },
    ]);
    expect(stages({ weights: "w.pth", warmup: 0.5 }).map(({ warmup }) => warmup)).toEqual([0.5, 0.5]);
    expect(stages({ weights: "w.pth", epochs: 1 })).toHaveLength(1);
  });

  test("are one with what is to be frozen, and one with nothing frozen from scratch", () => {
    expect(stages({ weights: "w.pth", freeze: "stem", backboneLr: 1e-5 })).toEqual([
      { name: "from layer1", freeze: "stem", epochs: 30, lr: 1e-3, backboneLr: 1e-5, warmup: 0, layerDecay: 1 },
    ]);
    expect(stages({})).toMatchObject([{ name: "all layers", freeze: "none" }]);
  });

  test("are those of a file where there is one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fracture-stages-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "stages.json");
    // Windows editors begin a file with a byte order mark.
    writeFileSync(path, "\uFEFF" + JSON.stringify([{ freeze: "layer2", epochs: 3, lr: 0.1, backboneLr: 0.01 }]));
    expect(stages({ stages: await readStagesFile(path), epochs: 99 })).toEqual([
      { name: "from layer3", freeze: "layer2", epochs: 3, lr: 0.1, backboneLr: 0.01, warmup: 0, layerDecay: 1 },
    ]);
    writeFileSync(path, JSON.stringify([{ freeze: "layer9", epochs: 3 }]));
    await expect(readStagesFile(path)).rejects.toThrow(
      /a stages file is a JSON array of .*\n {2}0\.freeze: .*\n {2}0\.lr: /,
    );
    await expect(readStagesFile(join(folder, "none.json"))).rejects.toThrow("none.json: can't be read as stages");
  });
});

test("a resumed run names the options that differ from those it was started with", () => {
  const started = parseRecipe({ lr: 1e-2, seed: 4 });
  expect(() => checkSameRecipe(started, { seed: 4 })).not.toThrow();
  expect(() => checkSameRecipe(started, { seed: 5, lr: 1e-2, batchSize: 8 })).toThrow(
    "a resumed run goes on as it was started, and these options differ:\n  seed: was 4, is now 5\n  batchSize: was 32, is now 8",
  );
});
