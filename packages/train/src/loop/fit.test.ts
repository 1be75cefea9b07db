import { beforeAll, expect, it } from "vitest";
import type { nn } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { stepLR } from "../optim/stepLR.ts";
import { fitsOf, lossesOf, stageOf, toySamples, type Fits } from "../testing/fit.ts";
import { differingNames } from "../testing/weights.ts";
import { InterruptedError, NonFiniteLossError } from "./errors.ts";
import { fit } from "./fit.ts";
import { applyStage } from "./stages.ts";

describeDevice("fit", (device) => {
  let fits: Fits;
  beforeAll(async () => {
    fits = await fitsOf(device());
  });
  const start: Fits["start"] = (given) => fits.start(given);

  it("with nothing frozen every tensor learns, batch norms count batches, and no step after the second creates anything", async () => {
    const counts: unknown[] = [];
    const run = start({
      train: toySamples(device(), 12),
      val: toySamples(device(), 3, { seed: 6 }),
      stages: [stageOf("none", 3, 1e-3)],
      schedule: stepLR({ stepSize: 2 }),
    });
    run.onEvent = (event) => {
      if (event.kind === "step") counts.push(device().counts);
    };
    await fit(run);
    expect(run.log.steps.map(({ epoch, step, lr }) => [epoch, step, lr])).toEqual([
      [1, 1, 1e-3],
      [1, 2, 1e-3],
      [2, 3, 1e-3],
      [2, 4, 1e-3],
      [3, 5, 1e-4],
      [3, 6, 1e-4],
    ]);
    expect(run.log.steps.at(-1)!.loss).toBeLessThan(run.log.steps[0]!.loss / 4);
    const after = await fits.model.stateDict();
    expect(differingNames(fits.fresh, after)).toEqual([...fits.fresh.keys()]);
    expect(after.get("bn1.num_batches_tracked")!.data[0]).toBe(BigInt(2 * run.state.stopping.bestEpoch!));
    for (const later of counts.slice(2)) expect(later).toEqual(counts[1]);
  });

  it("the next step is queued while one runs: the loss that is waited for is always that of the step before", async () => {
    const train = toySamples(device(), 10);
    const run = start({ train, batchSize: 2, stages: [stageOf("layer4", 1, 1e-3)], augment: true });
    const reported: number[] = [];
    const feed = train.feed.bind(train);
    Object.assign(train, {
      feed: (options: { augment: boolean }) => {
        const inner = feed(options);
        return {
          ...inner,
          batch: (size: number) => {
            const batch = inner.batch(size);
            return {
              ...batch,
              load: (samples: readonly number[], epoch: number) => {
                reported.push(run.events.filter(({ kind }) => kind === "step").length);
                batch.load(samples, epoch);
              },
            };
          },
        };
      },
    });
    await fit(run);
    // When step n (from 0) is prepared, steps n - 1 and before it are queued, and the losses up to that of n - 2 are known.
    expect(reported).toEqual([0, 0, 1, 2, 3]);
    expect(run.log.steps).toHaveLength(5);
  });

  it("a frozen backbone stays as it is, to the last bit, and its features are computed once", async () => {
    const train = toySamples(device(), 12);
    const val = toySamples(device(), 3, { seed: 6 });
    const run = start({ train, val, stages: [stageOf("all", 30, 1e-2)] });
    await fit(run);
    expect(differingNames(fits.fresh, await fits.model.stateDict())).toEqual(["fc.weight", "fc.bias"]);
    expect([train.loads, val.loads]).toEqual([12, 3]);
    expect(run.log.epochs.at(-1)).toMatchObject({ epoch: 30, trainAccuracy: 1, valAccuracy: 1, lrBackbone: null });
  });

  it("features that are not cached give the same losses", async () => {
    const stages = [stageOf("layer3", 1, 1e-3)];
    const cached = start({ train: toySamples(device(), 12), stages });
    await fit(cached);
    expect(new Set(differingNames(fits.fresh, await fits.model.stateDict()).map((name) => name.split(".")[0]))).toEqual(
      new Set(["layer4", "fc"]),
    );
    const train = toySamples(device(), 12);
    const recomputed = start({ train, stages, featureBytes: 0 });
    await fit(recomputed);
    expect(lossesOf(recomputed)).toEqual(lossesOf(cached));
    expect(train.loads).toBe(12);
  });

  it("augmented pictures are loaded anew in every epoch", async () => {
    const train = toySamples(device(), 12);
    const run = start({ train, augment: true, stages: [stageOf("all", 2, 0)] });
    await fit(run);
    expect(train.loads).toBe(24);
    expect(lossesOf(run)[2]).not.toBe(lossesOf(run)[0]);
  });

  it("the rates of a stage warm up step by step, and those of deeper layers are smaller", async () => {
    const run = start({
      train: toySamples(device(), 12),
      stages: [{ ...stageOf("all", 2, 1e-2), warmup: 1.5 }, stageOf("all", 1, 1e-2)],
      batchSize: 4,
      schedule: stepLR({ stepSize: 1, gamma: 0.5 }),
    });
    await fit(run);
    const rates = [0.2, 0.4, 0.6, 0.8 / 2, 1 / 2, 1 / 2, 1, 1, 1].map((share) => expect.closeTo(share * 1e-2, 12));
    expect(run.log.steps.map(({ lr }) => lr)).toEqual(rates);
    expect(run.log.epochs.map(({ lrHead }) => lrHead)).toEqual([rates[2], rates[5], rates[8]]);
    const { backbone } = applyStage(fits.model, { ...stageOf("layer1", 1, 1e-2, 1e-3), layerDecay: 0.5 });
    expect(backbone.map(({ lr }) => lr)).toEqual([2.5e-4, 5e-4, 1e-3]);
    expect(applyStage(fits.model, stageOf("layer1", 1, 1e-2, 1e-3)).backbone).toHaveLength(1);
  });

  it("stops early in each stage, and ends with the weights of the best epoch of all", async () => {
    const run = start({
      train: toySamples(device(), 12),
      val: toySamples(device(), 3, { seed: 6 }),
      stages: [stageOf("all", 9, 1e-2), stageOf("layer3", 9, 1e-3, 1e-4)],
      stopping: { patience: 2, minDelta: 99 }, // nothing after the first epoch is an improvement
    });
    let best: nn.StateDict | null = null;
    const keep = run.checkpoints.keepBest.bind(run.checkpoints);
    run.checkpoints.keepBest = async (changes) => {
      await keep(changes);
      best = await fits.model.stateDict();
    };
    await fit(run);
    const epochs = run.log.epochs;
    expect(epochs.map(({ stage }) => stage)).toEqual(["all", "all", "all", "layer3", "layer3"]);
    expect(epochs[3]).toMatchObject({ lrHead: 1e-3, lrBackbone: 1e-4 });
    expect(run.events.filter(({ kind }) => kind === "stopped")).toEqual([
      { kind: "stopped", epoch: 3, bestEpoch: 1 },
      { kind: "stopped", epoch: 5, bestEpoch: 1 },
    ]);
    expect(best).not.toBe(null);
    expect(differingNames(best!, await fits.model.stateDict())).toEqual([]);
    expect(run.checkpoints.saves).toBe(2);
  });

  it("a class of weight zero does not count in the loss", async () => {
    const stages = [stageOf("all", 1, 0)];
    const weighted = start({ train: toySamples(device(), 8), classWeights: [2, 0], stages });
    await fit(weighted);
    const run = start({ train: toySamples(device(), 8), order: () => [0, 2, 4, 6], stages });
    await fit(run);
    expect(lossesOf(weighted)[0]).toBeCloseTo(lossesOf(run)[0]!, 5);
    expect(weighted.log.epochs[0]!.trainLoss).toBeCloseTo(run.log.epochs[0]!.trainLoss!, 5);
  });

  it("a loss that is NaN stops the run before anything is saved, and names epoch, step and files", async () => {
    const run = start({ train: toySamples(device(), 12, { poison: 9 }), stages: [stageOf("all", 2, 1e-2)] });
    const error: unknown = await fit(run).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NonFiniteLossError);
    expect(error).toMatchObject({ epoch: 1, step: 2, files: ["toy/8.png", "toy/9.png", "toy/10.png", "toy/11.png"] });
    expect(String(error)).toContain("the loss is NaN in epoch 1, step 2 (files: toy/8.png, toy/9.png");
    expect(run.checkpoints.saves).toBe(0);
  });

  it("a validation loss that is NaN stops the run before anything is saved, and names epoch and files", async () => {
    const run = start({
      train: toySamples(device(), 8),
      val: toySamples(device(), 3, { seed: 6, poison: 1 }),
      stages: [stageOf("all", 2, 1e-2)],
    });
    const error: unknown = await fit(run).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NonFiniteLossError);
    expect(error).toMatchObject({ epoch: 1, step: null, files: ["toy/1.png"] });
    expect(String(error)).toContain("the validation loss is NaN in epoch 1 (files: toy/1.png)");
    expect([run.checkpoints.saves, run.log.epochs]).toEqual([0, []]);
  });

  it("an abort saves once after the steps under way, wherever it comes", async () => {
    const whens = { step: [1, 1], features: [0, 0] } as const;
    for (const [kind, [epochSteps, steps]] of Object.entries(whens)) {
      const abort = new AbortController();
      const run = start({
        train: toySamples(device(), 40),
        stages: [stageOf("all", 2, 1e-2)],
        signal: abort.signal,
      });
      run.onEvent = (event) => {
        if (event.kind === kind) abort.abort();
      };
      await expect(fit(run)).rejects.toThrow(InterruptedError);
      expect(run.checkpoints.saves).toBe(1);
      expect(run.state.epochSteps).toBeGreaterThanOrEqual(epochSteps);
      expect(run.state.epochSteps).toBeLessThan(5);
      expect(run.log.steps).toHaveLength(run.state.steps);
      expect(run.state.steps === 0).toBe(steps === 0);
    }
  });

  it("a disposed model leaves no live buffer behind", () => {
    fits.model.dispose();
    expect(device().counts.live).toBe(0);
  });
});
