import { mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseRecipe, type RecipeOptions } from "../recipe/recipe.ts";
import { readStagesFile, stagesOf } from "../recipe/stages.ts";
import { writeReportFolder } from "../testing/reportFolder.ts";
import { commandOf } from "./command.ts";
import { readReport } from "./readReport.ts";
import type { Report } from "./report.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-report-command-"));
let report: Report;
beforeAll(async () => {
  await writeReportFolder(join(folder, "run"), { classes: ["a", "b"] });
  report = await readReport(join(folder, "run"), { pictures: false });
});
afterAll(() => rmSync(folder, { recursive: true }));

const commandFor = (recipe: RecipeOptions): string => commandOf({ ...report, recipe: parseRecipe(recipe) })!;

it("names every option that is not the default's", () => {
  expect(commandFor({ weights: "w.pth", warmup: 0.5, layerDecay: 0.7, sampler: "balanced", patience: null })).toMatch(
    / --weights w\.pth --layer-decay 0\.7 --warmup 0\.5 --patience none --sampler balanced --seed 0$/,
  );
});

it.skipIf(process.platform === "win32")(
  "writes stages that are those of the run, warm-up and decay included",
  async () => {
    const stages = [
      { name: 'it\'s a "head"\\n', freeze: "all" as const, epochs: 2, lr: 1e-3 },
      { freeze: "layer2" as const, epochs: 3, lr: 1e-4, backboneLr: 1e-5, warmup: 1.5, layerDecay: 0.5 },
    ];
    const recipe = parseRecipe({ stages, warmup: 0.25, layerDecay: 0.9 });
    const [write = "", train = ""] = commandOf({ ...report, recipe })!.split("\n");
    expect(train).toMatch(/ --seed 0 --stages stages\.json$/);
    expect(train).not.toMatch(/--warmup|--layer-decay|--epochs/);
    execFileSync("sh", ["-c", write], { cwd: folder });
    const read = await readStagesFile(join(folder, "stages.json"));
    expect(stagesOf(parseRecipe({ stages: read }))).toEqual(stagesOf(recipe));
  },
);
