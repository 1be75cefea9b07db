import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import type { RunContext } from "../api/types.ts";
import type { RecipeOptions } from "../recipe/recipe.ts";
import { readCsv } from "../run/csv.ts";
import { writePictures } from "../testing/pictures.ts";
import { findRate } from "./findRate.ts";
import { writeRateSearch } from "./writeRateSearch.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-lr-"));
afterAll(() => rmSync(folder, { recursive: true }));
const data = join(folder, "data");
const recipe: RecipeOptions = {
  architecture: "resnet18",
  size: 32,
  batchSize: 8,
  stages: [{ freeze: "all", epochs: 1, lr: 0.1 }],
  augmentation: null,
  optimizer: "sgd",
};

describeDevice("a sweep of the learning rate", (device) => {
  beforeAll(() => writePictures(data, 32, { train: 9 }));
  const context: RunContext = { openDevice: async () => device() };
  const options = { data, recipe, steps: 60, from: 1e-6, to: 1e4, cacheFolder: null };

  it("ends where the loss leaves all bounds, suggests a rate before that, and is the same twice", async () => {
    const found = await findRate(options, context);
    expect(found).toMatchObject({ steps: 60, diverged: true, stage: { freeze: "all" } });
    expect(found.points.length).toBeGreaterThan(20);
    expect(found.points.length).toBeLessThan(60);
    expect(found.points[0]!.lr).toBe(1e-6);
    expect(found.suggestions.valley).toBeGreaterThan(1e-6);
    expect(found.suggestions.valley).toBeLessThan(found.points.at(-1)!.lr);
    expect(await findRate(options, context)).toEqual(found);

    const out = join(folder, "out");
    const paths = await writeRateSearch(out, found);
    expect(readdirSync(join(out, "results")).sort()).toEqual([
      "lr-find.csv",
      "lr-find.json",
      "lr-find.png",
      "lr-find.svg",
    ]);
    expect(JSON.parse(readFileSync(paths[0]!, "utf8"))).toEqual(found);
    expect(readCsv(paths[1]!, ["lr", "loss", "smoothed"]).map(({ smoothed }) => Number(smoothed))).toEqual(
      found.points.map(({ smoothed }) => smoothed),
    );
    const svg = readFileSync(paths[2]!, "utf8");
    expect(svg).toContain(`valley ${found.suggestions.valley!.toExponential(1)}`);
    expect(svg).not.toContain("NaN");
  });

  it("ends at a loss that is no number any more, too", async () => {
    const found = await findRate({ ...options, from: 1e30, to: 1e38 }, context);
    expect(found).toMatchObject({ diverged: true, suggestions: { valley: null } });
  });

  it("is stopped by Ctrl-C, and refuses what makes no sense before the device is opened", async () => {
    const controller = new AbortController();
    const onEvent: RunContext["onEvent"] = (event) => {
      if (event.kind === "sweep" && event.step === 3) controller.abort();
    };
    const stopped = findRate(options, { ...context, signal: controller.signal, onEvent });
    await expect(stopped).rejects.toThrow("stopped on request");
    const unopened = { openDevice: () => Promise.reject(new Error("the device was opened")) };
    await expect(findRate({ ...options, stage: 2 }, unopened)).rejects.toThrow(
      "stage: there is one stage, and no number 2",
    );
    await expect(findRate({ ...options, from: 1, to: 0.1 }, unopened)).rejects.toThrow(
      "from: must be above zero and below to",
    );
    await expect(findRate({ ...options, out: join(data, "train") }, unopened)).rejects.toThrow(
      "lies in the data folder",
    );
    expect(existsSync(join(data, "train", "results"))).toBe(false);
  });

  it("leaves no device memory behind", () => {
    device().trim();
    expect(device().counts.live).toBe(0);
  });
});
