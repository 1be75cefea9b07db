import { expect, test } from "vitest";
import { parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { stagesOf } from "../recipe/stages.ts";
import { refuseLoneBatch } from "./loneBatch.ts";

const check = (samples: number, options: RecipeOptions) => () => {
  const recipe = parseRecipe(options);
  refuseLoneBatch(recipe, stagesOf(recipe), samples);
};

test("a batch of one small picture is refused where batch norms learn: the last one, or every one", () => {
  expect(check(17, { size: 32, batchSize: 8 })).toThrow(
    "these options make no sense:\n  batchSize: 17 pictures, 8 at a time, leave one for the last batch, and one of 32 x 32 gives",
  );
  expect(check(16, { size: 16, batchSize: 1 })).toThrow("batchSize: a batch is one picture, and one of 16 x 16 gives");
  expect(check(1, { size: 32, batchSize: 8 })).toThrow("1 pictures, 8 at a time, leave one");
});

test("it is no matter for larger pictures, even batches, or a frozen backbone", () => {
  expect(check(17, { size: 33, batchSize: 8 })).not.toThrow();
  expect(check(18, { size: 32, batchSize: 8 })).not.toThrow();
  expect(check(17, { size: 32, batchSize: 8, freeze: "all" })).not.toThrow();
  expect(check(17, { size: 32, batchSize: 8, freeze: "layer4" })).not.toThrow();
});
