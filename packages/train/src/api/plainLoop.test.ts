import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readWeights, workingPreprocessing } from "@fracture/resnet";
import { describeDevice } from "@fracture/tensor/testing";
import { saveModel } from "../model/modelFile.ts";
import { readCsv } from "../run/csv.ts";
import { CLASSES, writePictures } from "../testing/pictures.ts";
import { formulaWeights } from "../testing/weights.ts";
import { trainRun } from "./trainRun.ts";

interface Torch {
  readonly losses: readonly number[];
  readonly rates: readonly number[];
  readonly runningMean: readonly number[];
  readonly headBias: readonly number[];
}
const torch: Torch = JSON.parse(readFileSync(new URL("./testdata/plainLoop.json", import.meta.url), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "fracture-plain-"));
afterAll(() => rmSync(folder, { recursive: true }));

describeDevice("without shuffling, augmentation and freezing", (device) => {
  it("a run is the plain PyTorch loop, step for step, the smaller last batches and StepLR included", async () => {
    const [data, out, weights] = [join(folder, "data"), join(folder, "run"), join(folder, "start.safetensors")];
    await writePictures(data, 48, { train: 7 });
    const preprocessing = workingPreprocessing(48);
    const state = await formulaWeights(device(), 2);
    await saveModel(weights, state, { architecture: "resnet18", classes: CLASSES, preprocessing });
    await trainRun(
      {
        data,
        out,
        cacheFolder: null,
        recipe: {
          weights,
          size: 48,
          batchSize: 4,
          epochs: 3,
          lr: 2e-5,
          stepSize: 2,
          freeze: "none",
          shuffle: false,
          augmentation: null,
        },
      },
      { openDevice: async () => device() },
    );
    const steps = readCsv(join(out, "steps.csv"), ["epoch", "step", "loss", "lr"]);
    expect(steps.map(({ lr }) => Number(lr))).toEqual(torch.rates);
    const off = steps.map(({ loss }, i) => Math.abs(Number(loss) - torch.losses[i]!));
    // torch in f32 and torch in f64 differ by up to 1e-3 here, from the seventh step on.
    expect(Math.max(...off.slice(0, 4))).toBeLessThan(1e-3);
    expect(Math.max(...off)).toBeLessThan(5e-3);
    const { state: last } = await readWeights(join(out, "best.safetensors"));
    const near = (name: string, expected: readonly number[]): void =>
      expected.forEach((value, i) => expect(Math.abs(Number(last.get(name)!.data[i]) - value)).toBeLessThan(2e-3));
    near("layer4.1.bn2.running_mean", torch.runningMean);
    near("fc.bias", torch.headBias);
  });
});
