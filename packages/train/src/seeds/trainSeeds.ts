import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { InterruptedError } from "../loop/errors.ts";
import { checkSameRecipe, parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { RecipeError } from "../recipe/errors.ts";
import { writePredictions } from "../run/results.ts";
import { checkRunFolder, removeRunFolder, RunFolderError, runPaths } from "../run/runFolder.ts";
import { trainRun } from "../api/trainRun.ts";
import type { RunContext, TrainRunOptions } from "../api/types.ts";
import { isSeedsFolder, readSeedsConfig, seedsPaths, writeSeedsConfig } from "./seedsFolder.ts";
import {
  readRunMetrics,
  readSeedsSummary,
  seedRunOf,
  summaryOf,
  writeSeedsSummary,
  type SeedRun,
  type SeedsSummary,
} from "./summary.ts";
import { togetherOf } from "./together.ts";

export interface TrainSeedsOptions extends Omit<TrainRunOptions, "recipe"> {
  /** `seed` does not count; `splitSeed` is by default the first seed's, so that all runs are tested on the same pictures. */
  readonly recipe: RecipeOptions;
  /** To resume: those that it was started with, and perhaps more. Default there: those. */
  readonly seeds?: readonly number[];
}

/**
 * Trains a run a seed, one after the other, each in a folder of its own (`seed-0`, ...), and leaves beside them `config.json`,
 * `results/seeds.json`, `results/seeds.csv` with the spread of the figures, and `results/predictions.csv` of the mean of their probabilities.
 * Features of frozen layers, which no seed changes, are computed once (loop/features.ts). Resumed, finished runs are left as they are.
 *
 * @throws RecipeError, RunFolderError, and what `trainRun` does
 */
export async function trainSeeds(options: TrainSeedsOptions, context: RunContext): Promise<SeedsSummary> {
  const { out, mode = "new", allowUnreadable = false } = options;
  const { onEvent = () => {}, signal, openDevice } = context;
  const plan = await planOf(options);
  const { seeds, recipe, data, done, others } = plan;
  const paths = seedsPaths(out);
  let written = false;
  // The device is opened once the first run's input was found to be good: nothing is written before.
  const begin = async (): Promise<void> => {
    if (written) return;
    if (mode === "overwrite") await removeSeeds(out);
    // The mean of other seeds' probabilities is none of these seeds'.
    if (others) await rm(paths.predictions, { force: true });
    const { seed: _, ...common } = recipe;
    await writeSeedsConfig(out, {
      seeds,
      data,
      allowUnreadable,
      recipe: parseRecipe({ ...common, seed: seeds[0]! }),
    });
    written = true;
  };
  const runs = new Map(done.map((run) => [run.seed, run]));
  for (const [index, seed] of seeds.entries()) {
    const folder = paths.run(seed);
    const finished = runs.has(seed);
    onEvent({ kind: "seed", seed, index, count: seeds.length, folder, finished });
    if (finished) continue;
    const goesOn = mode === "resume" && existsSync(runPaths(folder).config);
    try {
      const result = await trainRun(
        {
          ...options,
          data,
          out: folder,
          // Of seeds that are replaced, the old run is there until `begin`.
          mode: goesOn ? "resume" : mode === "overwrite" ? "overwrite" : "new",
          recipe: goesOn ? {} : { ...recipe, seed },
        },
        {
          ...context,
          openDevice: async () => {
            await begin();
            return openDevice();
          },
        },
      );
      runs.set(seed, seedRunOf(folder, { ...result, seed }));
    } catch (error) {
      // What is finished, and what the run itself has saved, is gone on with.
      if (error instanceof InterruptedError && written && !error.saved) throw new InterruptedError({ saved: true });
      throw error;
    }
    await writeSeedsSummary(out, summaryOf(out, seeds, runs));
  }
  await begin(); // where all runs were finished, with seeds more or less in the list
  const summary = summaryOf(out, seeds, runs);
  const files = seeds.map((seed) => runPaths(paths.run(seed)).predictions);
  let together: SeedsSummary["together"] = null;
  if (files.every((file) => existsSync(file)) && !signal?.aborted) {
    const thresholds = seeds.map((seed) => readRunMetrics(paths.run(seed))?.decision?.threshold?.value ?? null);
    const found = togetherOf(files, thresholds);
    await writePredictions(paths.predictions, found.table);
    together = found.summary;
  }
  const complete = { ...summary, together };
  await writeSeedsSummary(out, complete);
  return complete;
}

interface Plan {
  readonly seeds: readonly number[];
  readonly recipe: RecipeOptions;
  readonly data: string;
  readonly done: readonly SeedRun[];
  /** The folder's seeds were others. */
  readonly others: boolean;
}

async function planOf({ out, mode = "new", recipe, seeds, data }: TrainSeedsOptions): Promise<Plan> {
  if (mode !== "resume") {
    if (mode === "overwrite") refuseOther(out);
    else await checkRunFolder(out, "new");
    const [first] = checkSeeds(seeds ?? []);
    if (data === undefined) throw new RecipeError("these options make no sense:", ["data: is missing"]);
    const { seed = first!, splitSeed = seed, ...given } = recipe;
    const common = { ...given, splitSeed, ...(recipe.weights ? { weights: resolve(recipe.weights) } : {}) };
    parseRecipe({ ...common, seed: first! });
    return { seeds: seeds!, recipe: common, data: resolve(data), done: [], others: false };
  }
  const started = readSeedsConfig(out);
  const { seed: _, ...given } = recipe;
  checkSameRecipe(started.recipe, given.weights ? { ...given, weights: resolve(given.weights) } : given);
  const wanted = checkSeeds(seeds ?? started.seeds);
  const lost = started.seeds.filter((seed) => !wanted.includes(seed));
  if (lost.length > 0)
    throw new RecipeError("a resumed run goes on as it was started, with these seeds or more:", [
      `seeds: was ${started.seeds.join()}, is now ${wanted.join()}`,
    ]);
  const done = existsSync(seedsPaths(out).summary) ? readSeedsSummary(out).runs : [];
  return {
    seeds: wanted,
    recipe: started.recipe,
    data: data === undefined ? started.data : resolve(data),
    done,
    others: wanted.join() !== started.seeds.join(),
  };
}

function checkSeeds(seeds: readonly number[]): readonly number[] {
  const twice = seeds.find((seed, i) => seeds.indexOf(seed) < i);
  if (twice !== undefined)
    throw new RecipeError("these options make no sense:", [`seeds: ${twice} is there more than once`]);
  if (seeds.length === 0) throw new RecipeError("these options make no sense:", ["seeds: there is none"]);
  return seeds;
}

/** What is to be replaced must be of the same kind: nobody means to lose a run to five others by a slip. */
function refuseOther(out: string): void {
  if (!existsSync(seedsPaths(out).config) || isSeedsFolder(out)) return;
  throw new RunFolderError(out, "foreign", "holds a run, not those of several seeds: choose another folder");
}

async function removeSeeds(out: string): Promise<void> {
  if (!isSeedsFolder(out)) return;
  for (const name of await readdir(out)) {
    if (/^seed-\d+$/.test(name)) await removeRunFolder(seedsPaths(out).run(Number(name.slice(5))));
  }
  await rm(seedsPaths(out).results, { recursive: true, force: true });
  await rm(seedsPaths(out).config, { force: true });
}
