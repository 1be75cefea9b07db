import { batchSizesOf } from "../loop/programs.ts";
import { lastFrozen, type Stage } from "../loop/stages.ts";
import { RecipeError } from "../recipe/errors.ts";
import type { Recipe } from "../recipe/recipe.ts";

/** Pixels of a picture to one of layer4's map. */
const TOTAL_STRIDE = 32;

/**
 * Batch norm needs more than one value a channel, and a batch of one small picture has one in layer4 (torch refuses that too):
 * known from the options, and better said before the device is opened than in the last step of the first epoch.
 *
 * @param samples pictures in an epoch
 * @throws RecipeError
 */
export function refuseLoneBatch({ size, batchSize }: Recipe, stages: readonly Stage[], samples: number): void {
  const trainsNorms = stages.some(({ freeze }) => lastFrozen(freeze) !== "avgpool");
  if (size > TOTAL_STRIDE || !trainsNorms || !batchSizesOf(samples, batchSize).includes(1)) return;
  const lone =
    batchSize === 1
      ? "a batch is one picture"
      : `${samples} pictures, ${batchSize} at a time, leave one for the last batch`;
  throw new RecipeError("these options make no sense:", [
    `batchSize: ${lone}, and one of ${size} x ${size} gives batch norm a single value a channel to learn from: choose another --batch-size, or a --size above ${TOTAL_STRIDE}`,
  ]);
}
