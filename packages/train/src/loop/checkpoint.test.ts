import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import type { nn } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { readWeights, safetensorsPieces, type ResNet } from "@fracture/resnet";
import { stageOf, testFit, tinyModel, toySamples } from "../testing/fit.ts";
import { stepLR } from "../optim/stepLR.ts";
import { CheckpointError, CheckpointFiles, readCheckpoint, type SavedCheckpoint } from "./checkpoint.ts";
import { InterruptedError } from "./errors.ts";
import { fit } from "./fit.ts";
import type { FitEvent } from "./options.ts";
import type { Precision } from "./precision.ts";
import { startState } from "./state.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true }));

describeDevice("checkpoints", (device) => {
  let model: ResNet;
  let fresh: nn.StateDict;
  beforeAll(async () => {
    model = tinyModel(device());
    fresh = await model.stateDict();
  });
  afterAll(() => model.dispose());

  /** Trains in two stages; `stopAt` aborts at an event. Returns the losses and, at the end, the bytes of best.safetensors. */
  async function train(
    name: string,
    resumed: SavedCheckpoint | null,
    stopAt: (event: FitEvent) => boolean,
    { seconds = Infinity, precision = "f32" }: { seconds?: number; precision?: Precision } = {},
  ): Promise<{ losses: number[]; best: Buffer | null }> {
    model.loadStateDict(fresh);
    const paths = { best: join(folder, `${name}.best.safetensors`), last: join(folder, `${name}.last.safetensors`) };
    const state = startState();
    if (precision === "mixed") state.lossScale = { scale: 2 ** 20, growth: 0, skipped: 0 }; // its first steps overflow
    const metadata = { architecture: "resnet18" };
    const checkpoints = new CheckpointFiles({ model, state, paths, metadata, seconds, beforeSave: () => {} }, resumed);
    const abort = new AbortController();
    const samples = toySamples(device(), 10);
    const run = testFit({
      device: device(),
      model,
      train: samples,
      val: toySamples(device(), 3, { seed: 6 }),
      stages: [stageOf("all", 2, 1e-2), stageOf("layer3", 2, 1e-3, 1e-4)],
      schedule: stepLR({ stepSize: 1 }),
      classWeights: [1, 2],
      augment: true,
      batchSize: 4,
      order: (epoch) => Array.from({ length: 10 }, (_, i) => (i * 3 + epoch) % 10),
      state,
      precision,
      signal: abort.signal,
    });
    const onEvent = (event: FitEvent): void => {
      if (stopAt(event)) abort.abort();
    };
    try {
      await fit({ ...run, checkpoints, onEvent });
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      return { losses: run.log.steps.map(({ loss }) => loss), best: null };
    }
    await checkpoints.finish();
    return { losses: run.log.steps.map(({ loss }) => loss), best: readFileSync(paths.best) };
  }

  it("a run stopped in the middle of any epoch and resumed is the uninterrupted run, to the last bit", async () => {
    const whole = await train("whole", null, () => false);
    expect(whole.losses).toHaveLength(12);
    // In both stages in the middle of an epoch (two steps are under way when one's loss is read).
    const places: [number, (event: FitEvent) => boolean][] = [
      [5, (event) => event.kind === "step" && event.epoch === 2 && event.step === 1],
      [11, (event) => event.kind === "step" && event.epoch === 4 && event.step === 1],
    ];
    for (const [i, [steps, stopAt]] of places.entries()) {
      const first = await train(`stopped${i}`, null, stopAt);
      expect(first).toEqual({ losses: whole.losses.slice(0, steps), best: null });
      const saved = await readCheckpoint(join(folder, `stopped${i}.last.safetensors`));
      expect(saved.state.steps).toBe(steps);
      const second = await train(`stopped${i}`, saved, () => false);
      expect([...first.losses, ...second.losses]).toEqual(whole.losses);
      expect(second.best!.equals(whole.best!)).toBe(true);
    }
  });

  it(
    "so is one in mixed precision, with its loss scale and the count of the steps that were not skipped",
    { timeout: 600_000 },
    async () => {
      const mixed = { precision: "mixed" } as const;
      const whole = await train("mixed", null, () => false, mixed);
      const first = await train(
        "mixed",
        null,
        (event) => event.kind === "step" && event.epoch === 2 && event.step === 1,
        mixed,
      );
      const saved = await readCheckpoint(join(folder, "mixed.last.safetensors"));
      expect(saved.state.lossScale!.skipped).toBeGreaterThan(0);
      expect(saved.optimizer!.steps).toBe(saved.state.steps - saved.state.lossScale!.skipped);
      const second = await train("mixed", saved, () => false, mixed);
      expect([...first.losses, ...second.losses]).toEqual(whole.losses);
      expect(second.best!.equals(whole.best!)).toBe(true);
    },
  );

  it("saving at every step gives the same bytes from the same seed, and leaves no device memory behind", async () => {
    const whole = readFileSync(join(folder, "whole.best.safetensors"));
    const before = device().counts.live;
    const often = await train("often", null, () => false, { seconds: 0 });
    expect(often.best!.equals(whole)).toBe(true);
    expect(device().counts.live).toBe(before);
    // The last save is that of the end: no stage is left.
    expect((await readCheckpoint(join(folder, "often.last.safetensors"))).state.stage).toBe(2);
  });

  it("best.safetensors holds torchvision's names, OIHW filters, and what the model is", async () => {
    const { state, metadata } = await readWeights(join(folder, "whole.best.safetensors"));
    expect([...state.keys()]).toEqual([...fresh.keys()]);
    expect(state.get("layer1.0.conv1.weight")!.shape).toEqual([64, 64, 3, 3]);
    expect(state.get("conv1.weight")!.shape).toEqual([64, 3, 7, 7]);
    expect(metadata).toEqual({ architecture: "resnet18" });
  });
});

describe("readCheckpoint", () => {
  const write = (metadata: Record<string, string>): string => {
    const path = join(folder, "other.safetensors");
    writeFileSync(path, Buffer.concat(safetensorsPieces(new Map(), metadata)));
    return path;
  };

  test("refuses a weight file that is no checkpoint", async () => {
    await expect(readCheckpoint(write({ format: "pt" }))).rejects.toThrow(
      'other.safetensors: is no checkpoint ("format" is not "fracture-checkpoint/1")',
    );
  });

  test.each(["", "{", '{"stage":-1}'])("refuses a damaged state: %j", async (state) => {
    const error: unknown = await readCheckpoint(write({ format: "fracture-checkpoint/1", state })).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({ exitCode: 2, path: join(folder, "other.safetensors") });
  });
});
