import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import type { RecipeOptions } from "../recipe/recipe.ts";
import { writePictures } from "../testing/pictures.ts";
import { trainRun } from "./trainRun.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-killed-"));
afterAll(() => rmSync(folder, { recursive: true }));

describeDevice("a run that is killed", (device) => {
  const data = join(folder, "data");
  beforeAll(() => writePictures(data, 32, { train: 6 }));

  it("in the middle of an epoch, with warm-up, a sampler, rates by depth and mixed precision, ends as if it had not been", async () => {
    const recipe: RecipeOptions = {
      architecture: "resnet18",
      size: 32,
      batchSize: 4,
      optimizer: "adamw",
      stages: [
        { freeze: "layer4", epochs: 1, lr: 1e-2 },
        { freeze: "layer2", epochs: 1, lr: 1e-3, warmup: 1, layerDecay: 0.5 },
      ],
      sampler: "balanced",
      precision: device().limits.f16 ? "mixed" : "f32",
      seed: 7,
    };
    const [out, killed] = [join(folder, "whole"), join(folder, "killed")];
    const options = { data, out, recipe, cacheFolder: null, checkpointSeconds: 0 };
    await trainRun(options, {
      openDevice: async () => device(),
      // What is on the disk now is what kill -9 leaves: two steps are under way, and the checkpoint is older than the CSV files.
      onEvent: (event) => {
        if (event.kind === "step" && event.epoch === 2 && event.step === 2) cpSync(out, killed, { recursive: true });
      },
    });
    const steps = readFileSync(join(killed, "steps.csv"), "utf8").trimEnd().split("\n");
    expect(steps).toHaveLength(1 + 3 + 2);
    await trainRun(
      { out: killed, mode: "resume", recipe: {}, cacheFolder: null },
      { openDevice: async () => device() },
    );
    for (const file of ["steps.csv", "best.safetensors", "last.safetensors"])
      expect(readFileSync(join(killed, file)).equals(readFileSync(join(out, file))), file).toBe(true);
  });
});
