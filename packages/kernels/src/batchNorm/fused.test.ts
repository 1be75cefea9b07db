import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, mulberry32, randomNormal, runPlan } from "../testing/index.ts";
import { planBatchNormTrainBackward } from "./backward.ts";
import { planBatchNormTrain } from "./batchNorm.ts";
import { batchNormTrainReference } from "./reference.ts";

const eps = 1e-5;
const momentum = 0.1;

describe("plans of batch norm for captured programs", () => {
  it("take the moments from a product: no pass reads x for them", () => {
    const g = { rows: 392, c: 64, eps, momentum, relu: true };
    const passes = (limits: DeviceLimits) =>
      planBatchNormTrain(g, limits, { partialRows: 64 }).passes.map(({ label, bindings }) => [
        label,
        bindings.some(({ operand }) => operand === "x"),
      ]);
    expect(passes(BASELINE_CPU)).toEqual([["batchNorm.train [392,64]", true]]);
    expect(passes(BASELINE_GPU)).toEqual([
      ["batchNorm.train [392,64] statistics", false],
      ["batchNorm.train [392,64] apply", true],
    ]);
    expect(planBatchNormTrain(g, BASELINE_GPU, { partialRows: 64 })).toMatchObject({
      operands: { partials: 7 * 2 * 64 * 4 },
      workspace: {},
      made: { kernel: "batchNorm.train", geometry: g, options: { partialRows: 64 } },
    });
  });

  it("are one dispatch on a software device, without a workspace, and what they were elsewhere", () => {
    const g = { rows: 392, c: 64, relu: true };
    expect(planBatchNormTrainBackward(g, BASELINE_CPU, { whole: true })).toMatchObject({ workspace: {} });
    expect(planBatchNormTrainBackward(g, BASELINE_CPU, { whole: true }).passes.length).toBe(1);
    expect(planBatchNormTrainBackward(g, BASELINE_GPU, { whole: true }).passes).toEqual(
      planBatchNormTrainBackward(g, BASELINE_GPU).passes,
    );
  });

  it("compile the same WGSL for another batch", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      for (const c of [3, 64, 1024]) {
        const texts = (rows: number) =>
          [
            planBatchNormTrain({ rows, c, eps, momentum, relu: true }, limits, { partialRows: 16 }),
            planBatchNormTrainBackward({ rows, c, relu: true, residual: true }, limits, { whole: true }),
          ].flatMap(({ passes }) => passes.map(({ wgsl }) => wgsl));
        expect(texts(3 * 49)).toEqual(texts(2 * 12544 - 1));
      }
    }
  });
});

/** What a product leaves in `partials` for tiles of so many rows. */
function momentsOf(x: Float32Array, c: number, tileRows: number): Float32Array<ArrayBuffer> {
  const rows = x.length / c;
  const tiles = Math.ceil(rows / tileRows);
  const partials = new Float32Array(tiles * 2 * c);
  for (let tile = 0; tile < tiles; tile++) {
    for (let k = 0; k < c; k++) {
      const values = [];
      for (let r = tile * tileRows; r < Math.min(rows, (tile + 1) * tileRows); r++) values.push(x[r * c + k]!);
      const mean = values.reduce((a, b) => a + b) / values.length;
      partials[tile * 2 * c + k] = mean;
      partials[tile * 2 * c + c + k] = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    }
  }
  return partials;
}

describeGpu("batch norm in captured programs", (gpu) => {
  const software = (): DeviceLimits => ({ ...gpu().limits, deviceClass: "cpu" });
  const classes = (): DeviceLimits[] => [{ ...gpu().limits, deviceClass: "gpu" }, software()];
  const sizes = [
    [2, 1],
    [17, 3],
    [65, 64],
    [257, 20],
    [1031, 8],
    [49, 520],
    [4001, 33],
  ] as const;

  /** Random operands: channels of different mean and spread. */
  function inputsOf(rows: number, c: number, offset: number) {
    const random = mulberry32(rows + c);
    const mean = Float32Array.from({ length: c }, () => offset + random() * 6 - 3);
    const vector = (seed: number) => randomNormal(c, rows + seed);
    return {
      x: randomNormal(rows * c, rows).map((v, i) => v * 0.7 + mean[i % c]!),
      residual: randomNormal(rows * c, rows + 1),
      gamma: vector(2),
      beta: vector(3),
      runningMean: vector(4),
      runningVar: vector(5).map((v) => v * v + 0.1),
    };
  }

  it.each(sizes)("over [%i, %i], with moments that a product left, agrees with f64", async (rows, c) => {
    const all = inputsOf(rows, c, 0);
    for (const fusion of [{}, { relu: true, residual: true }]) {
      const g = { rows, c, eps, momentum, ...fusion };
      const { residual, ...plain } = all;
      const inputs = "residual" in fusion ? { ...plain, residual } : plain;
      const expected = batchNormTrainReference(g, inputs);
      for (const limits of classes()) {
        for (const partialRows of [16, 64]) {
          const partials = momentsOf(all.x, c, partialRows);
          const result = await runPlan(gpu(), planBatchNormTrain(g, limits, { partialRows }), { ...inputs, partials });
          for (const name of ["saveMean", "saveInvStd", "runningMean", "runningVar"] as const)
            expectClose(result[name]!, expected[name], { rtol: 3e-6, atol: 3e-7 });
          expectClose(result["y"]!, expected.y, { rtol: 1e-5, atol: 1e-5 });
        }
      }
    }
  });

  it("writes zeros around its images where a convolution wants them, and the same bits within", async () => {
    const [images, height, width, c, down, across] = [3, 5, 7, 68, 1, 2];
    const rows = images * height * width;
    const { residual: _, ...inputs } = inputsOf(rows, c, 0);
    const partials = momentsOf(inputs.x, c, 16);
    const g = { rows, c, eps, momentum, relu: true };
    const surround = { height, width, down, across };
    const plain = await runPlan(gpu(), planBatchNormTrain(g, software(), { partialRows: 16 }), { ...inputs, partials });
    const plan = planBatchNormTrain(g, software(), { partialRows: 16, surround });
    const result = await runPlan(gpu(), plan, { ...inputs, partials });
    const [tall, wide] = [height + 2 * down, width + 2 * across];
    const expected = new Float32Array(images * tall * wide * c);
    for (let r = 0; r < rows; r++) {
      const [image, i, j] = [Math.floor(r / (height * width)), Math.floor(r / width) % height, r % width];
      expected.set(plain["y"]!.subarray(r * c, (r + 1) * c), ((image * tall + i + down) * wide + j + across) * c);
    }
    expect(result).toEqual({ ...plain, y: expected });
    expect(() => planBatchNormTrain(g, { ...software(), deviceClass: "gpu" }, { partialRows: 16, surround })).toThrow(
      "batchNorm.train: y can't be surrounded with zeros",
    );
  });

  it("a mean of ten thousand times the spread costs the variance none of its digits when tiles are merged", async () => {
    const [rows, c] = [3001, 8];
    const inputs = { ...inputsOf(rows, c, 0), x: randomNormal(rows * c, 5).map((v) => v * 0.5 + 5000) };
    const g = { rows, c, eps, momentum };
    const expected = batchNormTrainReference(g, inputs);
    const partials = momentsOf(inputs.x, c, 16);
    for (const limits of classes()) {
      const plan = planBatchNormTrain(g, limits, { partialRows: 16 });
      const { saveInvStd, saveMean } = await runPlan(gpu(), plan, { ...inputs, partials });
      expectClose(saveMean!, expected.saveMean, { rtol: 2e-7, atol: 0 });
      expectClose(saveInvStd!, expected.saveInvStd, { rtol: 1e-5, atol: 0 });
    }
  });

  it.each(sizes)(
    "the gradients over [%i, %i] in one dispatch are those in three, the sums to the last bit",
    async (rows, c) => {
      const { x, gamma, beta, residual } = inputsOf(rows, c, 0);
      const { saveMean, saveInvStd } = batchNormTrainReference({ rows, c, eps, momentum }, { ...inputsOf(rows, c, 0) });
      const given = {
        x,
        gamma,
        beta,
        y: residual, // any values: its sign is the mask
        dy: randomNormal(rows * c, 7 * rows),
        saveMean: Float32Array.from(saveMean),
        saveInvStd: Float32Array.from(saveInvStd),
      };
      const slope = Math.max(...gamma.map((v, k) => Math.abs(v * saveInvStd[k]!)));
      const largest = slope * given.dy.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      for (const fusion of [{}, { relu: true }, { relu: true, residual: true }]) {
        const g = { rows, c, ...fusion };
        const whole = await runPlan(gpu(), planBatchNormTrainBackward(g, software(), { whole: true }), given);
        const three = await runPlan(gpu(), planBatchNormTrainBackward(g, software()), given);
        expect(Object.keys(whole).toSorted()).toEqual(Object.keys(three).toSorted());
        for (const [name, values] of Object.entries(whole)) {
          // dx = a g + b (x - mean) + d with b and d multiples of a, which a compiler may take out where it sees that: each
          // of the terms is rounded anew.
          if (name === "dx") expectClose(values, three[name]!, { rtol: 0, atol: 4 * 2 ** -24 * largest });
          else expect(Buffer.compare(Buffer.from(values.buffer), Buffer.from(three[name]!.buffer)), name).toBe(0);
        }
      }
    },
  );
});
