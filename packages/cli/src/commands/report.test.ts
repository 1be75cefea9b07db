import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { commandOf, parseRecipe, readReport, stagesOf, type RecipeOptions } from "@fracture/train";
import { addRecipeOptions, recipeOptions, type RecipeFlags } from "../recipeOptions.ts";
import { runCaptured } from "../testing/captured.ts";
import { temporaryFolder } from "../testing/temporaryFolder.ts";

const HEADER = "path,label,predicted,prob_fractured,prob_not fractured\n";
const ROWS = [0.9, 0.8, 0.4, 0.6, 0.2, 0.1].map(
  (p, i) =>
    `/gone/${i}.png,${i < 3 ? "fractured" : "not fractured"},${p >= 0.5 ? "fractured" : "not fractured"},${p},${1 - p}\n`,
);

/** A run folder with a configuration and predictions alone. */
function writeRun(folder: string, options: RecipeOptions = {}): string {
  const recipe = parseRecipe(options);
  mkdirSync(join(folder, "results"), { recursive: true });
  const classes = ["fractured", "not fractured"];
  const config = {
    format: "fracture-run/1",
    data: "it's here/x rays",
    architecture: "resnet50",
    classes,
    recipe,
    stages: stagesOf(recipe),
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "results", "predictions.csv"), HEADER + ROWS.join(""));
  return folder;
}

describe("fracture report", () => {
  it("writes report and model card beside the figures, or where it is told to, and needs no device", async () => {
    using folder = temporaryFolder();
    const run = writeRun(join(folder.path, "run"));
    expect(await runCaptured(["report", run])).toMatchObject({
      exitCode: 0,
      stderr: "",
      stdout: `The report is ${join(run, "results", "report.html")}, the model card ${join(run, "results", "model-card.md")}.\n`,
    });
    const out = join(folder.path, "shown", "a.html");
    const { stdout } = await runCaptured(["report", run, "--out", out, "--no-pictures", "--json"]);
    expect(JSON.parse(stdout)).toEqual({
      report: out,
      modelCard: join(folder.path, "shown", "model-card.md"),
      notes: [],
    });
    expect(readFileSync(out, "utf8")).toContain("Research use, not a medical device.");
    expect(existsSync(join(folder.path, "shown", "model-card.md"))).toBe(true);
  });

  it("says what it had to leave out, and refuses a folder that holds nothing", async () => {
    using folder = temporaryFolder();
    const run = writeRun(join(folder.path, "run"));
    writeFileSync(join(run, "results", "metrics.json"), "{");
    const damaged = await runCaptured(["report", run]);
    expect(damaged.exitCode).toBe(0);
    expect(damaged.stderr).toMatch(/^fracture: left out: .*metrics\.json: is not JSON/);
    const nothing = await runCaptured(["report", join(folder.path, "nowhere")]);
    expect(nothing).toMatchObject({ exitCode: 2, stdout: "" });
    expect(nothing.stderr).toContain("no such run folder");
  });
});

describe("the command that a report says makes the run again", () => {
  const augmentation = null;
  const GIVEN: readonly RecipeOptions[] = [
    {},
    { weights: null, architecture: "resnet18", size: 64, seed: 3, patience: null, shuffle: false, augmentation },
    {
      freeze: "layer3",
      epochs: 3,
      lr: 1e-4,
      backboneLr: 1e-5,
      optimizer: "sgd",
      weightDecay: 0,
      gamma: 0.3,
      monitor: "valAccuracy",
    },
    {
      classWeights: "balanced",
      precision: "mixed",
      sensitivity: 0.95,
      valFraction: 0.2,
      patientPattern: "^(p\\d+)'s $HOME",
      channels: "rgb",
    },
    {
      threshold: "youden",
      stages: [
        { name: "it's", freeze: "all", epochs: 2, lr: 0.01 },
        { freeze: "none", epochs: 1, lr: 1e-3, backboneLr: 1e-4 },
      ],
    },
  ];

  it.each(GIVEN)("gives the recipe %j", async (options) => {
    using folder = temporaryFolder();
    const weights = join(folder.path, "start.safetensors");
    writeFileSync(weights, "");
    const run = writeRun(join(folder.path, "run"), "weights" in options ? options : { ...options, weights });
    const report = await readReport(run);
    const command = commandOf(report) ?? "";
    // A shell says which words it is of.
    const script = `fracture() { printf '%s\\0' "$@"; }\n${command}`;
    const words = execFileSync("sh", ["-c", script], { cwd: folder.path, encoding: "utf8" }).split("\0").slice(0, -1);
    expect(words.slice(0, 5)).toEqual(["train", "--data", "it's here/x rays", "--out", run]);
    const program = addRecipeOptions(new Command().exitOverride());
    program.parse(words.slice(5), { from: "user" });
    const flags: RecipeFlags = program.opts();
    if (flags.stages !== undefined) Object.assign(flags, { stages: join(folder.path, flags.stages) });
    const { stages, ...again } = parseRecipe(await recipeOptions({} as never, flags, () => {}));
    const { stages: _, ...given } = report.recipe!;
    // Written stages say what an option left out means.
    const free = stages ? { epochs: 30, freeze: null, lr: 1e-3, backboneLr: null } : {};
    expect(again).toEqual({ ...given, ...free });
    expect(stagesOf({ ...again, stages })).toEqual(stagesOf(report.recipe!));
  });
});
