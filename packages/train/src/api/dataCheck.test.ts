import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workingPreprocessing } from "@fracture/resnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditedSetOf } from "../audit/auditedSet.ts";
import type { DataAudit } from "../audit/checkData.ts";
import type { LoadedPictures } from "../data/loadPictures.ts";
import { outcomeOf } from "../evaluate/report.ts";
import { writePhantomSet } from "../phantom/writePhantomSet.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { checkRunData, withoutCopies, withoutCopiesJson } from "./dataCheck.ts";
import type { RunEvent } from "./events.ts";
import { writeDataCheck } from "./dataCheckFiles.ts";
import { readTrainingData } from "./trainingData.ts";
import { trainRun } from "./trainRun.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-run-check-"));
const data = join(folder, "data");
const cacheFolder = join(folder, "cache");
const copy = join(data, "test", "fractured", "copy.png");
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await writePhantomSet(data, { train: 8, val: 0, test: 4, size: 48 });
  copyFileSync(join(data, "train", "fractured", "0000.png"), copy);
});

const recipe = parseRecipe({});
const NO_PICTURES: LoadedPictures = {
  data: new Uint8Array(),
  size: 32,
  channels: 1,
  kept: [],
  unreadable: [],
  cache: { hits: 0, problem: null },
};
async function check(): Promise<{ audit: DataAudit; events: RunEvent[] }> {
  const events: RunEvent[] = [];
  const options = {
    cacheFolder,
    signal: new AbortController().signal,
    onEvent: (event: RunEvent) => events.push(event),
  };
  return { audit: await checkRunData(await readTrainingData(data, recipe), recipe, options), events };
}

describe("the pictures of a run", () => {
  test("are looked at before it begins, and what is found is told", async () => {
    const { audit, events } = await check();
    expect(audit.leaks).toMatchObject([{ split: "test", of: "train", pictures: 5, copies: 1, exact: 1 }]);
    expect(events.filter(({ kind }) => kind === "check")).toHaveLength(13);
    expect(events.at(-1)).toEqual({ kind: "audit", audit });
  });

  test("are not looked at again while no file changes", async () => {
    const { audit } = await check();
    const again = await check();
    expect(again.events.map(({ kind }) => kind)).toEqual(["audit"]);
    expect(again.audit).toEqual(audit);
    rmSync(copy);
    const clean = await check();
    expect(clean.audit.leaks).toMatchObject([{ copies: 0 }]);
    copyFileSync(join(data, "train", "fractured", "0000.png"), copy);
  });

  test("that are copies of training pictures are left out of a second set of figures", async () => {
    const { audit } = await check();
    const { splits, base, classes } = await readTrainingData(data, recipe);
    const { paths, labels } = splits.test!;
    // Right for the copy alone.
    const logits = Float32Array.from(
      paths.flatMap((path, i) => ((path === copy) === (labels[i] === 0) ? [2, 0] : [0, 2])),
    );
    const outcome = outcomeOf({ split: "test", classes, paths, labels, logits });
    expect(outcome.metrics.accuracy).toBe(1 / 5);
    const found = withoutCopies(outcome, audit, base);
    expect(found).toMatchObject({ copies: 1, metrics: { samples: 4, accuracy: 0 } });
    expect(withoutCopiesJson({ val: null, test: found })).toEqual({ withoutCopies: { test: found } });
    expect(withoutCopies(outcome, { ...audit, leaks: [] }, base)).toBeNull();
    expect(withoutCopiesJson({ test: null })).toEqual({});
  });

  test("that are all copies leave nothing to measure by", async () => {
    const { audit } = await check();
    const { base, classes } = await readTrainingData(data, recipe);
    const outcome = outcomeOf({ split: "test", classes, paths: [copy], labels: [0], logits: Float32Array.of(1, 0) });
    expect(withoutCopies(outcome, audit, base)).toEqual({ copies: 1, metrics: null });
  });
});

describe("a set that a run divides itself", () => {
  test("is told as such, and kept as a list of the splits, which other runs take", async () => {
    const events: RunEvent[] = [];
    const context = {
      openDevice: () => Promise.reject(new Error("the device was opened")),
      onEvent: (event: RunEvent) => events.push(event),
    };
    const given = { valFraction: 0.25, testFraction: 0.25, seed: 4, architecture: "resnet18", size: 32 } as const;
    const root = join(data, "train");
    const run = { data: root, out: join(folder, "run"), recipe: given, cacheFolder };
    await expect(trainRun(run, context)).rejects.toThrow("the device was opened");
    expect(events.find(({ kind }) => kind === "data")).toMatchObject({
      counts: { train: 4, val: 2, test: 2 },
      dividedBySeed: 4,
    });
    const { audit } = await check();
    const recipe = parseRecipe(given);
    const divided = await readTrainingData(root, recipe);
    const results = join(folder, "results");
    await writeDataCheck(
      { dataCheck: join(results, "data-check.json"), results },
      {
        audit,
        divided: auditedSetOf(divided),
        mode: "new",
        base: root,
        config: { recipe, preprocessing: workingPreprocessing(32) },
        splits: { train: { split: "train", paths: [], labels: [], pictures: NO_PICTURES } },
      },
      null,
    );
    const again = await readTrainingData(join(results, "split.csv"), recipe);
    expect(again.splits).toEqual(divided.splits);
    expect(readdirSync(results).sort()).toEqual(["data-check", "data-check.json", "split.csv"]);
  });
});
