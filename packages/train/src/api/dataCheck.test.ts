import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DataAudit } from "../audit/checkData.ts";
import { outcomeOf } from "../evaluate/report.ts";
import { writePhantomSet } from "../phantom/writePhantomSet.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { checkRunData, withoutCopies, withoutCopiesJson } from "./dataCheck.ts";
import type { RunEvent } from "./events.ts";
import { readTrainingData } from "./trainingData.ts";

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
