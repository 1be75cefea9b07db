import { expect, test } from "vitest";
import { parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { refuseVainThreshold } from "./thresholdChoice.ts";

const files = { paths: ["a.png"], labels: [0] };
const check = (options: RecipeOptions, classes: readonly string[], val: boolean) => () =>
  refuseVainThreshold(parseRecipe(options), { classes, splits: { train: files, val: val ? files : null, test: null } });

test("a threshold that was asked for and can't be chosen is refused: of three classes, or without a validation split", () => {
  expect(check({ threshold: "youden" }, ["a", "b", "c"], true)).toThrow(
    "these options make no sense:\n  threshold: a threshold is between two classes, and there are 3; the most probable one decides",
  );
  expect(check({ sensitivity: 0.95 }, ["a", "b"], false)).toThrow(
    "  sensitivity: a threshold is chosen on the validation split, and there is none",
  );
});

test("where none was asked for, or two classes and a validation split are there, nothing is said", () => {
  expect(check({}, ["a", "b", "c"], false)).not.toThrow();
  expect(check({ threshold: "youden" }, ["a", "b"], true)).not.toThrow();
});
