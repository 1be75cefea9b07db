import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import { writeSafetensors } from "@fracture/resnet";
import type { RunEvent } from "../api/events.ts";
import { trainRun } from "../api/trainRun.ts";
import type { RunContext } from "../api/types.ts";
import { compareRuns } from "../compare/compareRuns.ts";
import { readPredictions } from "../compare/readPredictions.ts";
import { InterruptedError } from "../loop/errors.ts";
import type { RecipeOptions } from "../recipe/recipe.ts";
import { readCsv } from "../run/csv.ts";
import { readModelFile } from "../model/modelFile.ts";
import { CLASSES, writePictures } from "../testing/pictures.ts";
import { formulaWeights } from "../testing/weights.ts";
import { isSeedsFolder, readSeedsConfig } from "./seedsFolder.ts";
import { readSeedsSummary } from "./summary.ts";
import { trainSeeds, type TrainSeedsOptions } from "./trainSeeds.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-seeds-"));
afterAll(() => rmSync(folder, { recursive: true }));
// Without splits: what is held out is the seed's choice, and must be the same for all.
const data = join(folder, "data", "all");
const out = join(folder, "seeds");
const cacheFolder = join(folder, "cache");

describeDevice("the runs of several seeds", (device) => {
  const weights = join(folder, "start.safetensors");
  const recipe: RecipeOptions = {
    weights,
    size: 32,
    batchSize: 8,
    freeze: "all",
    epochs: 2,
    lr: 1e-2,
    augmentation: null,
    valFraction: 0.25,
    testFraction: 0.25,
  };
  const context: RunContext = { openDevice: async () => device() };
  const start = (given: Partial<TrainSeedsOptions> = {}, more: Partial<RunContext> = {}) =>
    trainSeeds({ data, out, recipe, seeds: [3, 4], cacheFolder, explanations: 0, ...given }, { ...context, ...more });
  const features = (): string[] => readdirSync(join(cacheFolder, "features"), { recursive: true, encoding: "utf8" });

  beforeAll(async () => {
    await writePictures(join(folder, "data"), 32, { all: 12 });
    writeFileSync(weights, writeSafetensors(await formulaWeights(device(), 2)));
  });

  it("lie side by side, each whole, with the spread of their figures and the mean of their probabilities", async () => {
    const summary = await start();
    expect(readdirSync(out).sort()).toEqual(["config.json", "results", "seed-3", "seed-4"]);
    expect(isSeedsFolder(out)).toBe(true);
    expect(isSeedsFolder(join(out, "seed-3"))).toBe(false);
    expect(readSeedsSummary(out)).toEqual(summary);
    await expect(readModelFile(out)).rejects.toThrow(`${out}: holds the runs of several seeds: name one of them`);
    expect(summary).toMatchObject({ split: "test", samples: 4, positiveClass: "fractured", missing: [] });
    expect(summary.runs.map(({ seed, epochs }) => [seed, epochs])).toEqual([
      [3, 2],
      [4, 2],
    ]);
    const losses = [3, 4].map((seed) => {
      const metrics = JSON.parse(readFileSync(join(out, `seed-${seed}`, "results", "metrics.json"), "utf8"));
      return metrics.logLoss as number;
    });
    expect(losses[0]).not.toBe(losses[1]);
    expect(summary.figures.logLoss).toMatchObject({ min: Math.min(...losses), max: Math.max(...losses) });
    expect(summary.figures.logLoss!.mean).toBeCloseTo((losses[0]! + losses[1]!) / 2, 12);
    expect(readCsv(join(out, "results", "seeds.csv"), ["seed", "split", "logLoss"])).toContainEqual({
      seed: "4",
      split: "test",
      logLoss: String(losses[1]),
    });
    const tables = [3, 4].map((seed) => readPredictions(join(out, `seed-${seed}`)));
    const together = readPredictions(out);
    expect(together.paths).toEqual(tables[0]!.paths);
    together.probabilities.forEach((p, i) =>
      expect(p).toBeCloseTo((tables[0]!.probabilities[i]! + tables[1]!.probabilities[i]!) / 2, 12),
    );
    expect(summary.together!.figures.accuracy).toBe(
      together.predicted.filter((guess, i) => guess === together.labels[i]).length / 4,
    );
  });

  it("are those of single runs, to the last bit, though features were computed once", async () => {
    const alone = join(folder, "alone");
    await trainRun(
      { data, out: alone, recipe: { ...recipe, seed: 4, splitSeed: 3 }, cacheFolder: null, explanations: 0 },
      { openDevice: context.openDevice },
    );
    for (const file of ["best.safetensors", "steps.csv"])
      expect(readFileSync(join(alone, file)).equals(readFileSync(join(out, "seed-4", file))), file).toBe(true);
    const files = features().filter((name) => name.length > 2);
    expect(files).toHaveLength(4); // two batches of train, one of val, one of test
  });

  it("stopped in one of them go on there, and are the same in the end", async () => {
    const stopped = join(folder, "stopped");
    const abort = new AbortController();
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent): void => {
      events.push(event);
      if (event.kind === "step" && events.filter(({ kind }) => kind === "seed").length === 2) abort.abort();
    };
    const error: unknown = await start({ out: stopped }, { onEvent, signal: abort.signal }).catch(
      (why: unknown) => why,
    );
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error).toMatchObject({ saved: true });
    expect(readSeedsSummary(stopped)).toMatchObject({ runs: [{ seed: 3 }], missing: [4], together: null });
    await expect(start({ out: stopped, mode: "resume", seeds: [3] })).rejects.toThrow("seeds: was 3,4, is now 3");
    await expect(start({ out: stopped, mode: "resume", recipe: { lr: 1 } })).rejects.toThrow("lr: was 0.01, is now 1");
    events.length = 0;
    await trainSeeds(
      { out: stopped, mode: "resume", recipe: {}, cacheFolder, explanations: 0 },
      { ...context, onEvent: (event) => events.push(event) },
    );
    expect(events.flatMap((event) => (event.kind === "seed" ? [[event.seed, event.finished]] : []))).toEqual([
      [3, true],
      [4, false],
    ]);
    for (const file of ["results/seeds.json", "results/predictions.csv", "seed-4/best.safetensors", "seed-4/steps.csv"])
      expect(readFileSync(join(stopped, file)).equals(readFileSync(join(out, file))), file).toBe(true);
    // More seeds may follow; stopped among these, the mean of the old ones' probabilities is not taken for theirs.
    const again = new AbortController();
    await expect(
      start(
        { out: stopped, mode: "resume", recipe: {}, seeds: [3, 4, 6] },
        { signal: again.signal, onEvent: ({ kind }) => kind === "step" && again.abort() },
      ),
    ).rejects.toThrow(InterruptedError);
    expect(existsSync(join(stopped, "results", "predictions.csv"))).toBe(false);
    const more = await start({ out: stopped, mode: "resume", recipe: {}, seeds: [3, 4, 6] });
    expect(more.runs.map(({ seed }) => seed)).toEqual([3, 4, 6]);
    expect(readSeedsConfig(stopped).seeds).toEqual([3, 4, 6]);
  });

  it("are compared with others by the mean of their probabilities, and by their means", async () => {
    const other = join(folder, "stopped");
    const found = compareRuns(out, other);
    const [first, second] = [out, other].map((path) => readSeedsSummary(path));
    expect(found.accuracy.first).toBe(first!.together!.figures.accuracy);
    expect(found.seeds).toMatchObject({
      first: 2,
      second: 3,
      accuracy: { first: first!.figures.accuracy!.mean, second: second!.figures.accuracy!.mean },
    });
    expect(compareRuns(out, join(out, "seed-3")).seeds).toBe(null);
  });

  it("replace others of their kind when told to, and nothing else", async () => {
    const taken = join(folder, "stopped");
    await expect(start({ out: taken })).rejects.toThrow(`${taken}: already holds a run (config.json)`);
    // One of those seeds was there already, and is made anew.
    await start({ out: taken, mode: "overwrite", seeds: [6], recipe: { ...recipe, epochs: 1 } });
    expect(readdirSync(taken).sort()).toEqual(["config.json", "results", "seed-6"]);
    expect(readSeedsSummary(taken).runs.map(({ seed, epochs }) => [seed, epochs])).toEqual([[6, 1]]);
    const alone = join(folder, "alone");
    await expect(start({ out: alone, mode: "overwrite" })).rejects.toThrow("holds a run, not those of several seeds");
    expect(existsSync(join(alone, "best.safetensors"))).toBe(true);
    await expect(start({ out: join(data, CLASSES[0], "runs") })).rejects.toThrow("lies in the data folder");
    expect(readdirSync(join(data, CLASSES[0]))).not.toContain("runs");
    await expect(start({ out: join(folder, "new"), seeds: [1, 1] })).rejects.toThrow(
      "seeds: 1 is there more than once",
    );
  });
});
