import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Freeze, Stage } from "../loop/stages.ts";
import { RecipeError } from "./errors.ts";
import type { Recipe } from "./recipe.ts";
import { stageSchema } from "./stageSchema.ts";

/** What a stage trains, in a word. */
const NAMES: Readonly<Record<Freeze, string>> = {
  none: "all layers",
  stem: "from layer1",
  layer1: "from layer2",
  layer2: "from layer3",
  layer3: "from layer4",
  layer4: "head",
  all: "head",
};

/** Share of the epochs that the head trains alone, where no stages are given. */
const HEAD_SHARE = 2 / 3;
/** What the rates of the second stage are to those of the first: pretrained layers move little. */
const FINE_TUNING_RATE = 0.1;
/** Epochs. */
const FINE_TUNING_WARMUP = 1;

/**
 * The stages of a recipe: those written out; or one with what `freeze` says; or by default two, the head alone on frozen
 * features, then the last layer with it at a tenth of the rate. From scratch there is nothing worth freezing: one stage.
 */
export function stagesOf(recipe: Recipe): Stage[] {
  const { stages, freeze, epochs, lr, weights, layerDecay } = recipe;
  const warmup = recipe.warmup ?? 0;
  const backboneLr = recipe.backboneLr ?? lr;
  if (stages) {
    return stages.map((stage) => ({
      name: stage.name ?? NAMES[stage.freeze],
      freeze: stage.freeze,
      epochs: stage.epochs,
      lr: stage.lr,
      backboneLr: stage.backboneLr ?? stage.lr,
      warmup: stage.warmup ?? warmup,
      layerDecay: stage.layerDecay ?? layerDecay,
    }));
  }
  const only = freeze ?? (weights === null ? "none" : null);
  if (only !== null) return [{ name: NAMES[only], freeze: only, epochs, lr, backboneLr, warmup, layerDecay }];
  const headEpochs = Math.max(1, Math.round(epochs * HEAD_SHARE));
  const head: Stage = { name: NAMES.all, freeze: "all", epochs: headEpochs, lr, backboneLr, warmup, layerDecay };
  if (epochs === headEpochs) return [head];
  const layer4: Stage = {
    name: NAMES.layer3,
    freeze: "layer3",
    epochs: epochs - headEpochs,
    lr: lr * FINE_TUNING_RATE,
    backboneLr: backboneLr * FINE_TUNING_RATE,
    // Adam's moments begin anew, and its first steps are as long as any.
    warmup: recipe.warmup ?? FINE_TUNING_WARMUP,
    layerDecay,
  };
  return [head, layer4];
}

/**
 * Reads a stages file: a JSON array of `{ name?, freeze, epochs, lr, backboneLr?, warmup?, layerDecay? }`.
 *
 * @throws RecipeError where it can't be read or is none
 */
export async function readStagesFile(path: string): Promise<z.output<typeof stageSchema>[]> {
  let text: unknown;
  try {
    text = JSON.parse((await readFile(path, "utf8")).replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new RecipeError(`${path}: can't be read as stages`, [error instanceof Error ? error.message : String(error)]);
  }
  const parsed = z.array(stageSchema).min(1).safeParse(text);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path: at, message }) => `${at.join(".") || "file"}: ${message}`);
  throw new RecipeError(
    `${path}: a stages file is a JSON array of { name?, freeze, epochs, lr, backboneLr?, warmup?, layerDecay? }`,
    faults,
  );
}
