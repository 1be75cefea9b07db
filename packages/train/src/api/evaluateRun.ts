import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { refuseInside } from "../audit/writeAudit.ts";
import type { SplitName } from "../data/split.ts";
import { defaultPictureCacheFolder } from "../data/pictureCache.ts";
import { writeMetrics, writeOutcome, type SplitOutcome } from "../evaluate/report.ts";
import { subgroupsOf, type Subgroups } from "../evaluate/subgroups.ts";
import { writeSubgroups } from "../run/subgroups.ts";
import { explainOutcome } from "../explain/explainOutcome.ts";
import { InterruptedError } from "../loop/errors.ts";
import { checkPrecision, type Precision } from "../loop/precision.ts";
import { ModelFileError } from "../model/errors.ts";
import { onDevice, readModelFile, type ModelFile } from "../model/modelFile.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { writeReport } from "../report/writeReport.ts";
import { sessionOn } from "../run/environment.ts";
import { writeJson } from "../run/results.ts";
import { checkRunData, filmsOfRun, withoutCopies, withoutCopiesJson, type WithoutCopies } from "./dataCheck.ts";
import { evaluateSplit } from "./evaluateSplit.ts";
import { decodeSplit, storeSplit } from "./pictures.ts";
import { relatedPictures } from "./relatedPictures.ts";
import { readTrainingData } from "./trainingData.ts";
import type { RunContext } from "./types.ts";

export interface EvaluateRunOptions {
  /** A run folder, a `.safetensors` of ours, or published weights. */
  readonly model: string;
  /** The data folder; one without splits is split as the model's run split it. */
  readonly data: string;
  /** Default: "test". */
  readonly split?: SplitName;
  /** Where `metrics.json`, `predictions.csv`, the plots, `explanations.json` and the report go. Default: nowhere. */
  readonly out?: string;
  /** Default: false. */
  readonly allowUnreadable?: boolean;
  /** Default: "f32", whatever the model was trained in. */
  readonly precision?: Precision;
  /** Default: 32. */
  readonly batchSize?: number;
  /** See `TrainRunOptions`. */
  readonly cacheFolder?: string | null;
  /** See `TrainRunOptions`; only with `out`. */
  readonly explanations?: number;
}

/** What a model says about a split. */
export interface EvaluatedSplit extends SplitOutcome {
  /** The figures without pictures that are copies of the data folder's training pictures; null where there are none. */
  readonly withoutCopies: WithoutCopies | null;
  /** By the values of a CSV file's columns; null where there are none. */
  readonly subgroups: Subgroups | null;
}

/**
 * Evaluates a model on a split of a data folder, with the preprocessing that the model file names.
 *
 * @throws WeightsError, ModelFileError, DataFolderError, RecipeError, UnreadablePicturesError before the device is opened;
 *   InterruptedError, FileWriteError
 */
export async function evaluateRun(
  options: EvaluateRunOptions,
  { openDevice, signal = new AbortController().signal, onEvent = () => {} }: RunContext,
): Promise<EvaluatedSplit> {
  const { split = "test", out, allowUnreadable = false, batchSize = 32, precision = "f32" } = options;
  const { cacheFolder = defaultPictureCacheFolder() } = options;
  try {
    const file = await readModelFile(options.model);
    const { classes, preprocessing, decision } = file;
    const recipe = file.recipe ?? parseRecipe({});
    const data = await readTrainingData(
      resolve(options.data),
      recipe,
      [split],
      filmsOfRun({ cacheFolder, signal, onEvent }),
    );
    if (out !== undefined) await refuseInside(out, data.root);
    checkSameClasses(file, data.root, data.classes);
    // Copies of what the model may have been trained on.
    const audit =
      data.splits.train && split !== "train"
        ? await checkRunData(data, recipe, { cacheFolder, signal, onEvent })
        : null;
    const decoding = { preprocessing, allowUnreadable, classes, cacheFolder, signal, onEvent };
    const decoded = await decodeSplit(split, data.splits[split]!, decoding);
    const device = await openDevice();
    checkPrecision(precision, device);
    const { model } = onDevice(file, device);
    const stored = storeSplit(device, decoded, { preprocessing, augmentation: null, seed: recipe.seed });
    try {
      const outcome = await evaluateSplit(stored, {
        device,
        model,
        classes,
        decision,
        related: relatedPictures(data, audit, recipe),
        precision,
        batchSize,
        signal,
        onEvent,
      });
      const subgroups = subgroupsOf(outcome, data.columns);
      const clean = audit && withoutCopies(outcome, audit, data.base);
      if (out !== undefined) {
        await writeOutcome(out, outcome);
        // What an evaluation before left there was of other pictures, perhaps, and another model.
        await writeSubgroups(out, subgroups);
        const unreadable = { [split]: decoded.pictures.unreadable.length };
        await writeMetrics(join(out, "metrics.json"), [outcome], {
          model: options.model,
          architecture: file.architecture,
          data: data.root,
          unreadable,
          ...withoutCopiesJson({ [split]: clean }),
        });
        if (audit) await writeJson(join(out, "data-check.json"), audit);
        else await rm(join(out, "data-check.json"), { force: true });
        await writeJson(join(out, "environment.json"), [sessionOn(device.info)]);
        const { explanations: most } = options;
        await explainOutcome(out, outcome, {
          device,
          model,
          preprocessing,
          signal,
          ...(most === undefined ? {} : { most }),
        });
        await writeReport(out);
      }
      return { ...outcome, withoutCopies: clean, subgroups };
    } finally {
      stored.dispose();
      model.dispose();
    }
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw new InterruptedError({ saved: false });
    throw error;
  }
}

function checkSameClasses({ path, classes }: ModelFile, root: string, found: readonly string[]): void {
  if (classes.join("\0") === found.join("\0")) return;
  const list = (names: readonly string[]): string =>
    names.length > 8 ? `${names.length} classes` : names.map((name) => `"${name}"`).join(", ");
  throw new ModelFileError(path, `tells ${list(classes)} apart, but ${root} holds ${list(found)}`);
}
