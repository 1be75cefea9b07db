import { relative, sep } from "node:path";
import { readDataFolder, type DataFolder, type DataFolderOptions, type LabelledFiles } from "../data/folder.ts";
import {
  DEFAULT_FRACTIONS,
  joinGroups,
  patientFromPattern,
  SplitError,
  splitItems,
  type SplitName,
} from "../data/split.ts";
import { RecipeError } from "../recipe/errors.ts";
import type { Recipe } from "../recipe/recipe.ts";

type FilmsAmong = NonNullable<DataFolderOptions["filmsAmong"]>;

/**
 * The pictures that a recipe trains on: the folder's splits, or those that are dealt out of it by the recipe's seed and
 * fractions. Of a training folder without a validation folder beside it a part is held out only where `valFraction` says so.
 *
 * @param need splits that there must be
 * @param filmsAmong see `DataFolderOptions`: without it copies of one film may be dealt apart
 * @throws DataFolderError, RecipeError
 */
export async function readTrainingData(
  root: string,
  recipe: Recipe,
  need: readonly SplitName[] = ["train"],
  filmsAmong?: FilmsAmong,
): Promise<DataFolder> {
  const { valFraction, testFraction, patientPattern } = recipe;
  const seed = recipe.splitSeed ?? recipe.seed;
  const [val, test] = [valFraction ?? DEFAULT_FRACTIONS.val, testFraction ?? DEFAULT_FRACTIONS.test];
  const patientOf = patientPattern === null ? undefined : patients(patientPattern);
  const folder = await readDataFolder(root, {
    need,
    fractions: { train: 1 - val - test, val, test },
    seed,
    ...(patientOf ? { patientOf } : {}),
    ...(filmsAmong ? { filmsAmong } : {}),
  });
  if (folder.layout === "classes" || !holdsOut(folder, recipe)) return folder;
  const films = await filmsAmong?.(folder.splits.train!.paths);
  const splits = holdOut(folder, { valFraction: valFraction!, seed, patientOf, films: films ?? [] });
  return { ...folder, splits: { ...folder.splits, ...splits } };
}

/** Whether a recipe splits pictures of a folder itself. */
export const splitsItself = (folder: DataFolder, recipe: Recipe): boolean =>
  folder.layout === "classes" || holdsOut(folder, recipe);

/** Whether a part of the training folder is held out for validation. */
const holdsOut = ({ splits }: DataFolder, { valFraction }: Recipe): boolean =>
  splits.train !== null && splits.val === null && Boolean(valFraction);

function patients(pattern: string): (path: string) => string | null {
  try {
    return patientFromPattern(pattern);
  } catch (error) {
    if (error instanceof SplitError)
      throw new RecipeError("these options make no sense:", [`patientPattern: ${error.message}`]);
    throw error;
  }
}

function holdOut(
  { root, base, classes, splits, patients: known }: DataFolder,
  {
    valFraction,
    seed,
    patientOf,
    films,
  }: {
    valFraction: number;
    seed: number;
    patientOf: ((path: string) => string | null) | undefined;
    films: readonly (readonly number[])[];
  },
): { train: LabelledFiles; val: LabelledFiles } {
  const { paths, labels } = splits.train!;
  const items = paths.map((path, i) => {
    const parts = relative(base, path).split(sep);
    // train/<class>/<the path that a patient is told from>; of what a CSV file lists, all of it
    const name = (known ? parts : parts.slice(2)).join("/");
    const patient = known?.get(path) ?? (patientOf ? patientOf(name) : undefined);
    const group = patient === undefined ? parts.join("/") : patient;
    if (group === null)
      throw new RecipeError(`${path}:`, ["patientPattern: whose picture it is can't be told from its name"]);
    return { label: labels[i]!, group };
  });
  try {
    const fractions = { train: 1 - valFraction, val: valFraction, test: 0 };
    const assigned = splitItems(joinGroups(items, films), { seed, fractions, classes });
    const filesOf = (split: "train" | "val"): LabelledFiles => ({
      paths: paths.filter((_, i) => assigned[i] === split),
      labels: labels.filter((_, i) => assigned[i] === split),
    });
    return { train: filesOf("train"), val: filesOf("val") };
  } catch (error) {
    if (error instanceof SplitError)
      throw new RecipeError(`${root}: no validation split can be held out:`, [error.message]);
    throw error;
  }
}
