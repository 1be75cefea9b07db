import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { capture, input, noGrad, optim, softmaxCrossEntropy, tensor, tidy, type Tensor } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { ResNet, type Architecture } from "./resnet.ts";
import { distance, gradientsOf, hashState, pictures, worstDistance, type Prints } from "./testing/index.ts";

interface Expected {
  readonly training: boolean;
  readonly seed: number;
  readonly logits: Prints;
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<string, Prints>>;
  readonly running: Readonly<Record<string, Prints>>;
}

const torch = JSON.parse(readFileSync(new URL("testdata/trainSteps.json", import.meta.url), "utf8")) as {
  readonly lr: number;
  readonly size: number;
  readonly labels: readonly number[];
  readonly models: Readonly<Record<Architecture, Expected>>;
};

describeDevice("ResNet", (device) => {
  for (const architecture of ["resnet18", "resnet50"] as const) {
    const expected = torch.models[architecture];
    const { size, labels } = torch;
    const n = labels.length;

    async function build(): Promise<{ model: ResNet; x: Tensor; y: Tensor }> {
      const model = new ResNet({ architecture, device: device(), generator: null });
      model.loadStateDict(hashState(await model.stateDict()));
      const x = input([n, size, size, 3], { device: device() });
      x.write(pictures(n, size, expected.seed));
      return { model, x, y: tensor(labels, { device: device(), dtype: "u32" }) };
    }

    it(`${architecture}: logits agree with torch's f64 to 1e-5`, async () => {
      const { model, x } = await build();
      model.eval();
      const logits = tidy(() => noGrad(() => model.forward(x)));
      expect(distance(await logits.data(), expected.logits)).toBeLessThan(1e-5);
      logits.dispose();
      model.dispose();
    });

    const claim = expected.training
      ? "gradients, losses of five Adam steps and running statistics"
      : "gradients in eval mode";
    it(`${architecture}: ${claim} agree with torch's f64`, async () => {
      const { model, x, y } = await build();
      model.train(expected.training);
      const adam = new optim.Adam(model.parameters(), { lr: torch.lr });
      const step = await capture(device(), () => {
        const loss = softmaxCrossEntropy(model.forward(x), y);
        adam.zeroGrad();
        loss.backward();
        adam.step();
        return loss;
      });
      const losses: number[] = [];
      for (const index of expected.losses.keys()) {
        step.replay();
        losses.push(await step.result.item());
        if (index === 0)
          expect(worstDistance(await gradientsOf(model), expected.gradients).distance).toBeLessThan(1e-4);
      }
      expected.losses.forEach((loss, i) => expect(Math.abs(losses[i]! - loss)).toBeLessThan(1e-4));
      if (!expected.training) return;
      const running = await model.stateDict((name) => name.includes("running"));
      expect(worstDistance(running, expected.running).distance).toBeLessThan(5e-5);
      expect(model.bn1.numBatchesTracked.value).toBe(expected.losses.length);
    });
  }

  it("names, shapes and their order are torchvision's", async () => {
    const model = new ResNet({ architecture: "resnet50", classes: 2, device: device(), generator: null });
    const state = await model.stateDict();
    expect(state.size).toBe(320);
    expect([...state.keys()].slice(0, 7)).toEqual([
      "conv1.weight",
      "bn1.weight",
      "bn1.bias",
      "bn1.running_mean",
      "bn1.running_var",
      "bn1.num_batches_tracked",
      "layer1.0.conv1.weight",
    ]);
    expect(state.get("layer4.0.downsample.0.weight")!.shape).toEqual([2048, 1024, 1, 1]);
    expect(state.get("fc.weight")!.shape).toEqual([2, 2048]);
    model.dispose();
  });
});
