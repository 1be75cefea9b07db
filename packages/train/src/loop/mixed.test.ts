import { beforeAll, expect, it } from "vitest";
import { input, optim, SlotPool } from "@fracture/tensor";
import { ResNet } from "@fracture/resnet";
import { describeDevice } from "@fracture/tensor/testing";
import { fitsOf, lossesOf, stageOf, toySamples, type Fits, type TestFit } from "../testing/fit.ts";
import { differingNames } from "../testing/weights.ts";
import { NonFiniteGradientsError } from "./errors.ts";
import type { Feed } from "./feeds.ts";
import { fit } from "./fit.ts";
import { createOptimizer } from "./optimizers.ts";
import { checkPrecision, PRECISIONS, type Precision } from "./precision.ts";
import { trainProgram } from "./programs.ts";
import { applyStage } from "./stages.ts";
import { startState } from "./state.ts";

/** The rounding of a number to f16. */
const HALF = 2 ** -11;
/** Tensors of a ResNet-18 that are stored as f16 on the way from the picture to the logits: 20 times weights, product and what follows it. */
const STORED = 60;

describeDevice("mixed precision", (device) => {
  let fits: Fits;
  beforeAll(async () => {
    fits = await fitsOf(device());
  });
  const start: Fits["start"] = (given) => fits.start(given);

  // The first to run compiles every f16 kernel of the network, of which a software device takes seconds each.
  it("a run follows the f32 run as closely as f16 permits, and validates like it", { timeout: 600_000 }, async () => {
    const runs = new Map<Precision, TestFit>();
    for (const precision of PRECISIONS) {
      const run = start({
        train: toySamples(device(), 8),
        val: toySamples(device(), 4, { seed: 6 }),
        stages: [stageOf("none", 4, 1e-3)],
        optimizer: "sgd",
        precision,
      });
      await fit(run);
      runs.set(precision, run);
    }
    const [whole, mixed] = PRECISIONS.map((precision) => lossesOf(runs.get(precision)!)) as [number[], number[]];
    expect(whole.at(-1)).toBeLessThan(whole[0]! / 2);
    // Independent roundings add up as their squares do: so much of the logits, of about 1, and twice that of a loss. What is learnt from
    // gradients that are as far off differs by that part of itself, both ways through the network.
    const off = 2 * Math.sqrt(STORED) * HALF;
    mixed.forEach((loss, i) =>
      expect(Math.abs(loss - whole[i]!), `step ${i + 1}`).toBeLessThan(off + 2 * off * Math.abs(whole[0]! - whole[i]!)),
    );
    const accuracies = PRECISIONS.map((precision) => runs.get(precision)!.log.epochs.at(-1)!.valAccuracy);
    expect(accuracies[1]).toBe(accuracies[0]);
    expect(runs.get("mixed")!.log.epochs[0]).toMatchObject({ lossScale: 65_536, skippedSteps: 0 });
    expect(runs.get("f32")!.log.epochs[0]).not.toHaveProperty("lossScale");
  });

  it("a step whose gradients overflow is skipped and survived: nothing is learnt from it, and the scale is halved", async () => {
    const run = start({
      train: toySamples(device(), 8),
      stages: [stageOf("none", 6, 1e-3)],
      state: { ...startState(), lossScale: { scale: 2 ** 20, growth: 7, skipped: 0 } },
      precision: "mixed",
    });
    await fit(run);
    const { steps } = run.log;
    const skipped = steps.filter((step) => step.skipped).length;
    expect(skipped).toBeGreaterThan(0);
    expect(skipped).toBeLessThan(steps.length);
    // One batch an epoch: until something was learnt, its loss is the same to the last bit.
    expect(steps.map(({ loss }, i) => i > 0 && loss === steps[i - 1]!.loss)).toEqual(
      steps.map((_, i) => i > 0 && i <= skipped),
    );
    expect(steps.map(({ lossScale }) => lossScale)).toEqual(steps.map((_, i) => 2 ** (20 - Math.min(i, skipped))));
    expect(run.state.lossScale).toEqual({ scale: 2 ** (20 - skipped), growth: steps.length - skipped, skipped });
    expect(run.log.epochs.map(({ skippedSteps }) => skippedSteps)).toEqual(steps.map((step) => Number(step.skipped)));
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss);
  });

  it("a scale so small that no good gradient could overflow ends the run, with epoch, step and files", async () => {
    const run = start({
      train: toySamples(device(), 8),
      stages: [stageOf("all", 1, 1e-3)],
      state: { ...startState(), lossScale: { scale: 2 ** -11, growth: 0, skipped: 30 } },
      precision: "mixed",
    });
    const error: unknown = await fit(run).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NonFiniteGradientsError);
    expect(String(error)).toContain("in epoch 1, step 1 (files: toy/0.png, toy/1.png");
    expect(run.checkpoints.saves).toBe(0);
  });

  it("features of a frozen backbone are cached as f16, and give the losses that computing them anew gives", async () => {
    const stages = [stageOf("all", 3, 1e-2)];
    const train = toySamples(device(), 8);
    const cached = start({ train, stages, precision: "mixed" });
    await fit(cached);
    expect(train.loads).toBe(8);
    expect(differingNames(fits.fresh, await fits.model.stateDict())).toEqual(["fc.weight", "fc.bias"]);
    const recomputed = start({
      train: toySamples(device(), 8),
      stages,
      precision: "mixed",
      featureBytes: 8 * 512 * 2 - 1,
    });
    await fit(recomputed);
    expect(lossesOf(recomputed)).toEqual(lossesOf(cached));
  });

  it("activations, gradients and workspaces of ResNet-50's step (224 px, batch 32) take at most 0.55 of f32's bytes", async () => {
    const [size, n] = [224, 32];
    const large = new ResNet({ architecture: "resnet50", classes: 2, device: device(), generator: null });
    const x = input([n, size, size, 3], { device: device() });
    const feed: Feed = { delivers: null, batch: () => ({ tensor: () => x, load: () => {}, dispose: () => {} }) };
    const stage = stageOf("none", 1, 1e-3);
    const bytes: number[] = [];
    for (const precision of PRECISIONS) {
      const parts = applyStage(large, stage);
      using optimizer = createOptimizer("adam", 0, stage, parts, precision);
      using scaler = precision === "mixed" ? new optim.GradScaler(device()) : null;
      const slots = new SlotPool(device());
      const options = { ...parts, classWeights: null, optimizer, scaler };
      // Captured and never run: its memory is reserved, not touched.
      const { labels, program } = await trainProgram(
        { device: device(), model: large, slots, precision },
        feed,
        n,
        options,
      );
      bytes.push(program.slotBytes);
      for (const tensor of [labels, program.result.loss, program.result.logits]) tensor.dispose();
      program.dispose();
      slots.dispose();
      device().trim();
    }
    x.dispose();
    large.dispose();
    expect(bytes[1]! / bytes[0]!).toBeLessThanOrEqual(0.55);
  });

  it("a device without f16 is told from one that has it, as wrong usage", () => {
    const without = { limits: { ...device().limits, f16: false }, info: { ...device().info, device: "Old GPU" } };
    expect(() => checkPrecision("mixed", without)).toThrow(
      "precision: mixed needs f16 (the feature shader-f16), which Old GPU hasn't got: use f32",
    );
    expect(() => checkPrecision("f32", without)).not.toThrow();
  });

  it("no buffer is left behind", () => {
    fits.model.dispose();
    device().trim();
    expect(device().counts.live).toBe(0);
  });
});
