import type { DataFolder } from "../data/folder.ts";
import { RecipeError } from "../recipe/errors.ts";
import type { Recipe } from "../recipe/recipe.ts";

/**
 * A threshold is chosen between two classes, on the validation split. Where it was asked for and can't be had, that is said before training:
 * a model without the sensitivity that was wished for must not look like one that has it.
 *
 * @throws RecipeError
 */
export function refuseVainThreshold(
  { threshold, sensitivity }: Recipe,
  { classes, splits }: Pick<DataFolder, "classes" | "splits">,
): void {
  if (threshold === "none" && sensitivity === null) return;
  const option = sensitivity === null ? "threshold" : "sensitivity";
  const faults: string[] = [];
  if (classes.length > 2)
    faults.push(
      `${option}: a threshold is between two classes, and there are ${classes.length}; the most probable one decides`,
    );
  if (!splits.val) faults.push(`${option}: a threshold is chosen on the validation split, and there is none`);
  if (faults.length > 0) throw new RecipeError("these options make no sense:", faults);
}
