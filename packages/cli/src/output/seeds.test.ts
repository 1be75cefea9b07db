import type { SeedSpreads, SeedsSummary } from "@fracture/train";
import { expect, it } from "vitest";
import { runCaptured } from "../testing/captured.ts";
import { formatSeeds } from "./seeds.ts";

const spread = { runs: 3, mean: 0.75, deviation: 0.02, min: 0.73, max: 0.77, interval: [0.7, 0.8] as [number, number] };
const only = <Value>(accuracy: Value): Record<keyof SeedSpreads, Value | null> => ({
  accuracy,
  precision: null,
  recall: null,
  specificity: null,
  f1: null,
  rocAuc: null,
  averagePrecision: null,
  logLoss: null,
  calibrationError: null,
});
const summary: SeedsSummary = {
  split: "test",
  samples: 198,
  positiveClass: "fractured",
  runs: [0, 1, 2].map((seed) => ({
    seed,
    folder: `seed-${seed}`,
    epochs: 9,
    bestEpoch: 2,
    figures: only(0.75),
    val: null,
    withoutCopies: null,
  })),
  missing: [],
  figures: only(spread),
  val: null,
  withoutCopies: null,
  together: { figures: only(0.76), intervals: only([0.69, 0.81] as [number, number]), threshold: null },
};

it("the figures of several seeds are a table of their spread, with what the runs say together", () => {
  const text = formatSeeds("runs/head", summary);
  expect(text).toMatch(
    /^runs\/head: 3 seeds trained\n\ntest, 198 pictures +mean +sd +min +max +95% of the mean +together +95%\n/,
  );
  expect(text).toMatch(/^accuracy +0\.750 +0\.020 +0\.730 +0\.770 +0\.700 to 0\.800 +0\.760 +0\.690 to 0\.810$/m);
  expect(text).not.toContain("precision");
  expect(text).toContain("runs/head/results/seeds.json");
});

it("runs that were judged by nothing say so", () => {
  expect(formatSeeds("o", { ...summary, split: null, samples: null, figures: only(null), together: null })).toBe(
    "o: 3 seeds trained\nThere are no pictures to judge them by.\n",
  );
});

it.each([
  [["--seeds", "0"], "argument '0' is invalid. Expected an integer, 1 or more."],
  [["--seeds", "1,x"], "argument '1,x' is invalid. Expected integers, 0 or more, with commas between them."],
  [["--seeds", "1,2", "--seed", "3"], "--seed: --seeds lists them all; give one of the two"],
  [["--seeds", "2,2"], "--seeds: 2 is there more than once"],
])("%j is wrong usage", async (options, message) => {
  const { exitCode, stderr } = await runCaptured(["train", "--data", "/nowhere", "--out", "o", ...options]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});
