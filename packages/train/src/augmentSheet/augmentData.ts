import { dirname, resolve } from "node:path";
import { workingPreprocessing } from "@fracture/resnet";
import { filmsOfRun } from "../api/dataCheck.ts";
import { readTrainingData } from "../api/trainingData.ts";
import type { RunContext } from "../api/types.ts";
import { nameIn } from "../audit/auditedSet.ts";
import { refuseInside } from "../audit/writeAudit.ts";
import { loadPictures, type UnreadablePicture } from "../data/loadPictures.ts";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import { renderPng } from "../evaluate/svg/png.ts";
import { RecipeError } from "../recipe/errors.ts";
import { parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { makeFolder } from "../run/makeFolder.ts";
import { augmentedSamples, spreadPlaces, type AugmentedSample } from "./augmentedSamples.ts";
import { augmentationSheet } from "./sheet.ts";

export interface AugmentDataOptions {
  /** The data folder, or a CSV file. */
  readonly data: string;
  /** The sheet: a name that ends in .svg makes it an SVG, any other a PNG. */
  readonly out: string;
  /** As training would be given it. */
  readonly recipe: RecipeOptions;
  /** Pictures to show. Default: 6. */
  readonly rows?: number;
  /** Epochs to show of each. Default: 6. */
  readonly draws?: number;
  /** See `TrainRunOptions`. */
  readonly cacheFolder?: string | null;
}

export interface AugmentedData {
  readonly out: string;
  readonly samples: readonly AugmentedSample[];
  /** Left out of the sheet. */
  readonly unreadable: readonly UnreadablePicture[];
}

/**
 * Draws a contact sheet of training pictures as a run with this recipe would see them in its first epochs, by the kernel that augments there.
 *
 * @throws RecipeError, DataFolderError, CsvError, InsideDataError before the device is opened; FileWriteError; the signal's reason where it aborts
 */
export async function augmentData(
  { data, out, recipe: given, rows = 6, draws = 6, cacheFolder = defaultPictureCacheFolder() }: AugmentDataOptions,
  { openDevice, signal = new AbortController().signal, onEvent = () => {} }: RunContext,
): Promise<AugmentedData> {
  const recipe = parseRecipe(given);
  const { augmentation, seed, size, channels } = recipe;
  if (augmentation === null)
    throw new RecipeError("these options make no sense:", ["augmentation: without any there is nothing to show"]);
  await refuseInside(out, data);
  const films = filmsOfRun({ cacheFolder, signal, onEvent });
  const { splits, base } = await readTrainingData(resolve(data), recipe, ["train"], films);
  const { paths, labels } = splits.train!;
  const places = spreadPlaces(labels, rows);
  const preprocessing = workingPreprocessing(size, { channels });
  const chosen = places.map((place) => paths[place]!);
  const pictures = await loadPictures(chosen, { preprocessing, cacheFolder, signal });
  const { kept, unreadable } = pictures;
  if (kept.length === 0)
    throw new RecipeError(`${data}:`, [`data: ${unreadable[0]!.path} and the others that were chosen can't be read`]);
  const samples = await augmentedSamples(
    await openDevice(),
    { paths: kept.map((i) => chosen[i]!), places: kept.map((i) => places[i]!), pictures },
    { preprocessing, augmentation, seed, draws },
  );
  const svg = await augmentationSheet(samples, { size, seed, name: (path) => nameIn(base, path) });
  await makeFolder(dirname(resolve(out)));
  await writeFileAtomic(out, out.toLowerCase().endsWith(".svg") ? svg : renderPng(svg));
  return { out, samples, unreadable };
}
