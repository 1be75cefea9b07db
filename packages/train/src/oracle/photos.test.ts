import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import {
  IMAGENET_PREPROCESSING,
  preprocess,
  workingPreprocessing,
  cropTo,
  normalise,
  readWeights,
  ResNet,
} from "@fracture/resnet";
import { gradientsOf, worstDistance, type Prints } from "@fracture/resnet/testing";
import { capture, input, noGrad, optim, softmaxCrossEntropy, type Device } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { decodeImage } from "../data/decode.ts";

// Photographs and weights whose licences keep them out of the project: see the README of that folder.
const shared = fileURLToPath(new URL("../../../../../shared/data/", import.meta.url));
const missing = !existsSync(`${shared}photos/expected.json`);

interface Photo {
  readonly class: number;
  readonly resnet18: readonly number[];
  readonly resnet50: readonly number[];
}

interface Torch {
  readonly lr: number;
  readonly size: number;
  readonly batches: readonly {
    readonly photos: readonly string[];
    readonly labels: readonly number[];
    /** Of torch: gradients, losses, running statistics. */
    readonly float32Spread: readonly number[];
    readonly losses: readonly number[];
    readonly gradients: Readonly<Record<string, Prints>>;
    readonly running: Readonly<Record<string, Prints>>;
  }[];
}

const argmax = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((best, v, i, all) => (v > all[best]! ? i : best), 0);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function load(device: Device, architecture: "resnet18" | "resnet50"): Promise<ResNet> {
  const model = new ResNet({ architecture, device, generator: null });
  model.loadStateDict((await readWeights(`${shared}weights/${architecture}-imagenet.pth`)).state);
  return model;
}

vi.setConfig({ testTimeout: 600_000 }); // twelve training steps and 54 forward passes of 224 px, on a CPU perhaps

describeDevice("27 photographs through trained weights", (device) => {
  for (const architecture of ["resnet18", "resnet50"] as const) {
    it.skipIf(missing)(`${architecture}: from the file to the logits within 2e-3 of torch's, every one`, async () => {
      const { photos } = JSON.parse(readFileSync(`${shared}photos/expected.json`, "utf8")) as {
        readonly photos: Readonly<Record<string, Photo>>;
      };
      const model = (await load(device(), architecture)).eval();
      const x = input([1, 224, 224, 3], { device: device() });
      using program = await capture(device(), () => noGrad(() => model.forward(x)));
      const differences: number[] = [];
      let sameTop = 0;
      for (const [name, photo] of Object.entries(photos)) {
        const picture = await decodeImage(`${shared}photos/${name}`, { channels: "rgb" });
        x.write(preprocess(picture, IMAGENET_PREPROCESSING.V1));
        program.replay();
        const logits = await program.result.data();
        const expected = photo[architecture];
        differences.push(...expected.map((value, i) => Math.abs(value - logits[i]!)));
        if (argmax(logits) === argmax(expected)) sameTop++;
      }
      const largest = differences.reduce((a, b) => Math.max(a, b));
      console.log(
        `${architecture}: logits differ by ${largest.toExponential(1)} at most, ${median(differences).toExponential(1)} in the median`,
      );
      expect(differences).toHaveLength(27 * 1000);
      expect(sameTop).toBe(27);
      expect(largest).toBeLessThan(2e-3);
      x.dispose();
      model.dispose();
    });
  }

  it.skipIf(missing)(
    "ResNet-50's gradients, losses of five Adam steps and running statistics are torch's, as far as f32 says",
    async () => {
      const { lr, size, batches } = JSON.parse(
        readFileSync(new URL("photoSteps.json", import.meta.url), "utf8"),
      ) as Torch;
      const { state } = await readWeights(`${shared}weights/resnet50-imagenet.pth`);
      const model = new ResNet({ architecture: "resnet50", device: device(), generator: null });
      const preprocessing = workingPreprocessing(size, { channels: "rgb" });
      const x = input([4, size, size, 3], { device: device() });
      const y = input([4], { device: device(), dtype: "u32" });
      const rows: { gradients: number; losses: number; running: number }[] = [];
      for (const batch of batches) {
        model.loadStateDict(state);
        y.write(batch.labels);
        const pictures = batch.photos.map((name) => decodeImage(`${shared}photos/${name}`, { channels: "rgb" }));
        const values = (await Promise.all(pictures)).flatMap((picture) => [
          ...normalise(cropTo(picture, preprocessing), preprocessing),
        ]);
        x.write(values);
        using adam = new optim.Adam(model.parameters(), { lr });
        using step = await capture(device(), () => {
          const loss = softmaxCrossEntropy(model.forward(x), y);
          adam.zeroGrad();
          loss.backward();
          adam.step();
          return loss;
        });
        const losses: number[] = [];
        let gradients = Infinity;
        for (const i of batch.losses.keys()) {
          step.replay();
          losses.push(await step.result.item());
          if (i === 0) gradients = worstDistance(await gradientsOf(model), batch.gradients).distance;
        }
        const running = worstDistance(
          await model.stateDict((name) => name.includes("running")),
          batch.running,
        ).distance;
        rows.push({
          gradients,
          losses: Math.max(...losses.map((loss, i) => Math.abs(loss - batch.losses[i]!))),
          running,
        });
      }
      console.table(
        rows.map((row, i) => ({
          ...row,
          "torch's own f32 against f64": batches[i]!.float32Spread.map((v) => v.toExponential(1)).join(", "),
        })),
      );
      expect(median(rows.map((row) => row.gradients))).toBeLessThan(1e-3);
      expect(median(rows.map((row) => row.losses))).toBeLessThan(1e-3);
      expect(median(rows.map((row) => row.running))).toBeLessThan(1e-4);
      model.dispose();
    },
  );
});
