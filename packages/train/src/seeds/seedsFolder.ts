import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { recipeSchema, type Recipe } from "../recipe/recipe.ts";
import { writeJson } from "../run/results.ts";
import { RunFolderError } from "../run/runFolder.ts";
import { FRACTURE_VERSION } from "../version.ts";

/** The format of a folder that holds the runs of several seeds; its `config.json` carries it. */
export const SEEDS_FORMAT = "fracture-seeds/1";

/** Where everything lies in the folder of several seeds. */
export function seedsPaths(folder: string) {
  const results = join(folder, "results");
  return {
    folder,
    config: join(folder, "config.json"),
    results,
    summary: join(results, "seeds.json"),
    table: join(results, "seeds.csv"),
    /** Of the mean of the runs' probabilities. */
    predictions: join(results, "predictions.csv"),
    run: (seed: number): string => join(folder, `seed-${seed}`),
  };
}

/** What the folder's `config.json` holds: what all runs have in common. */
export interface SeedsConfig {
  readonly fracture: string;
  readonly seeds: readonly number[];
  readonly data: string;
  readonly allowUnreadable: boolean;
  /** With the first seed; every run has its own. */
  readonly recipe: Recipe;
}

const configSchema = z.object({
  fracture: z.string(),
  seeds: z.array(z.int().min(0)).min(1),
  data: z.string(),
  allowUnreadable: z.boolean(),
  recipe: recipeSchema,
});

/** Whether a folder holds the runs of several seeds. */
export function isSeedsFolder(folder: string): boolean {
  const { config } = seedsPaths(folder);
  if (!existsSync(config)) return false;
  try {
    return (JSON.parse(readFileSync(config, "utf8")) as { format?: unknown } | null)?.format === SEEDS_FORMAT;
  } catch {
    return false;
  }
}

/** @throws RunFolderError where it is damaged */
export function readSeedsConfig(folder: string): SeedsConfig {
  const { config } = seedsPaths(folder);
  const parsed = configSchema.safeParse(JSON.parse(readFileSync(config, "utf8")));
  if (!parsed.success) throw new RunFolderError(config, "invalid", `is damaged (${z.prettifyError(parsed.error)})`);
  return parsed.data;
}

export async function writeSeedsConfig(folder: string, config: Omit<SeedsConfig, "fracture">): Promise<void> {
  await writeJson(seedsPaths(folder).config, { format: SEEDS_FORMAT, fracture: FRACTURE_VERSION, ...config });
}
