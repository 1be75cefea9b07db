import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, mulberry32, randomNormal, runPlan } from "../testing/index.ts";
import { planBatchNormEvalBackward, planBatchNormTrainBackward } from "./backward.ts";
import { planBatchNormEval, planBatchNormTrain } from "./batchNorm.ts";
import { batchNormBackwardReference, batchNormEvalReference, batchNormTrainReference } from "./reference.ts";

const eps = 1e-5;
const momentum = 0.1;
const FUSIONS = [{}, { relu: true }, { residual: true }, { relu: true, residual: true }] as const;

describe("batch norm plans", () => {
  it("compile the same WGSL for another batch", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      for (const c of [3, 64, 1024]) {
        const texts = (rows: number) =>
          [
            planBatchNormTrain({ rows, c, eps, momentum, relu: true }, limits),
            planBatchNormEval({ rows, c, eps }, limits),
            planBatchNormTrainBackward({ rows, c, relu: true }, limits),
            planBatchNormEvalBackward({ rows, c, eps, relu: true }, limits),
          ].flatMap(({ passes }) => passes.map(({ wgsl }) => wgsl));
        expect(texts(3 * 49)).toEqual(texts(2 * 12544 - 1));
      }
    }
  });

  it("write what they wrote when this was reviewed", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      const train = planBatchNormTrain({ rows: 392, c: 64, eps, momentum, relu: true, residual: true }, limits);
      expect(train.passes.map(({ wgsl }) => wgsl).join("\n")).toMatchSnapshot(`train ${limits.deviceClass}`);
      const backward = planBatchNormTrainBackward({ rows: 392, c: 64, relu: true }, limits);
      expect(backward.passes.map(({ wgsl }) => wgsl).join("\n")).toMatchSnapshot(
        `train backward ${limits.deviceClass}`,
      );
      const evaluation = planBatchNormEval({ rows: 392, c: 64, eps, relu: true }, limits);
      expect(evaluation.passes.map(({ wgsl }) => wgsl)).toMatchSnapshot(`eval ${limits.deviceClass}`);
      const evalBackward = planBatchNormEvalBackward({ rows: 392, c: 64, eps, relu: true }, limits);
      expect(evalBackward.passes.map(({ wgsl }) => wgsl)).toMatchSnapshot(`eval backward ${limits.deviceClass}`);
    }
  });

  it("count each operand once in bytes", () => {
    expect(planBatchNormTrain({ rows: 10, c: 8, eps, momentum }, BASELINE_GPU)).toMatchObject({
      name: "batchNorm.train [10,8]",
      operands: { x: 320, gamma: 32, beta: 32, runningMean: 32, runningVar: 32, saveMean: 32, saveInvStd: 32, y: 320 },
      bytes: 832,
      flop: 560,
    });
    expect(planBatchNormTrainBackward({ rows: 10, c: 8, relu: true, residual: true }, BASELINE_GPU)).toMatchObject({
      name: "batchNorm.trainBackward residual relu [10,8]",
      operands: { x: 320, dy: 320, y: 320, dx: 320, dresidual: 320 },
      flop: 720,
    });
    expect(
      Object.keys(planBatchNormEvalBackward({ rows: 10, c: 8, eps, parameters: false }, BASELINE_GPU).operands),
    ).toEqual(["dy", "gamma", "runningVar", "dx"]);
  });

  it("bind no more buffers than WebGPU guarantees", () => {
    for (const fusion of FUSIONS) {
      const plans = [
        planBatchNormTrain({ rows: 5, c: 8, eps, momentum, ...fusion }, BASELINE_GPU),
        planBatchNormEval({ rows: 5, c: 8, eps, ...fusion }, BASELINE_GPU),
        ...("residual" in fusion && !("relu" in fusion)
          ? []
          : [
              planBatchNormTrainBackward({ rows: 5, c: 8, ...fusion }, BASELINE_GPU),
              planBatchNormEvalBackward({ rows: 5, c: 8, eps, ...fusion }, BASELINE_GPU),
              planBatchNormEvalBackward({ rows: 5, c: 8, eps, ...fusion, parameters: false }, BASELINE_GPU),
            ]),
      ];
      for (const { passes } of plans) {
        for (const { bindings } of passes)
          expect(bindings.length).toBeLessThanOrEqual(BASELINE_GPU.maxStorageBuffersPerStage);
      }
    }
  });

  it("say what they can't normalise", () => {
    expect(() => planBatchNormTrain({ rows: 1, c: 8, eps, momentum }, BASELINE_GPU)).toThrow(
      "batchNorm.train: expected more than 1 value per channel when training (rows 1, c 8)",
    );
    expect(() => planBatchNormEval({ rows: 1, c: 0, eps }, BASELINE_GPU)).toThrow(
      "batchNorm.eval: c must be a positive integer (rows 1, c 0)",
    );
    expect(() => planBatchNormTrain({ rows: 2, c: 8, eps, momentum: 2 }, BASELINE_GPU)).toThrow(
      "batchNorm.train: momentum must be from 0 to 1 (momentum 2)",
    );
    expect(() => planBatchNormTrainBackward({ rows: 2, c: 8, residual: true }, BASELINE_GPU)).toThrow(
      "batchNorm.trainBackward: without relu the residual's gradient is dy itself: leave residual out",
    );
  });
});

/** Random operands: channels of different mean and spread. */
function inputsOf(rows: number, c: number, seed: number) {
  const random = mulberry32(seed);
  const offset = Float32Array.from({ length: c }, () => random() * 6 - 3);
  const spread = Float32Array.from({ length: c }, () => random() * 2 + 0.1);
  return {
    x: randomNormal(rows * c, seed).map((v, i) => v * spread[i % c]! + offset[i % c]!),
    residual: randomNormal(rows * c, seed + 1),
    gamma: randomNormal(c, seed + 2),
    beta: randomNormal(c, seed + 3),
    runningMean: randomNormal(c, seed + 4),
    runningVar: randomNormal(c, seed + 5).map((v) => v * v + 0.1),
  };
}

/** The relu's mask is a step: where the f64 value is within rounding of it, neither side is wrong. */
const clearOfTheStep = (dy: Float32Array<ArrayBuffer>, z: Float64Array): Float32Array<ArrayBuffer> =>
  dy.map((v, i) => (Math.abs(z[i]!) < 1e-5 ? 0 : v));

describeGpu("batch norm kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];
  /**
   * Kernels for the other class of device are compiled here for nothing else, which takes most of the time: each size gets
   * one of the fusions, each fusion two of the sizes.
   */
  const classesFor = (rows: number, fusion: (typeof FUSIONS)[number]): DeviceLimits[] => {
    const turn = sizes.findIndex(([r]) => r === rows) + FUSIONS.indexOf(fusion);
    return classes().filter(
      ({ deviceClass }) => deviceClass === gpu().limits.deviceClass || turn % FUSIONS.length === 0,
    );
  };
  const sizes = [
    [2, 1],
    [17, 3],
    [65, 64],
    [63, 68],
    [257, 20],
    [1031, 8],
    [49, 520],
    [4001, 33],
  ] as const;

  it.each(sizes)("train and eval over [%i, %i] agree with f64, fused or not", async (rows, c) => {
    const all = inputsOf(rows, c, rows + c);
    for (const fusion of FUSIONS) {
      const g = { rows, c, eps, momentum, ...fusion };
      const { residual, ...plain } = all;
      const inputs = "residual" in fusion ? all : plain;
      const [train, evaluation] = [batchNormTrainReference(g, inputs), batchNormEvalReference(g, inputs)];
      expect(residual.length).toBe(all.x.length);
      for (const limits of classesFor(rows, fusion)) {
        const result = await runPlan(gpu(), planBatchNormTrain(g, limits), inputs);
        for (const name of ["saveMean", "saveInvStd", "runningMean", "runningVar"] as const) {
          expectClose(result[name]!, train[name], { rtol: 3e-6, atol: 3e-7 });
        }
        expectClose(result["y"]!, train.y, { rtol: 1e-5, atol: 1e-5 });
        const { y } = await runPlan(gpu(), planBatchNormEval(g, limits), inputs);
        expectClose(y!, evaluation.y, { rtol: 1e-5, atol: 3e-6 });
      }
    }
  });

  it.each(sizes)("the gradients over [%i, %i] agree with f64, fused or not", async (rows, c) => {
    const all = inputsOf(rows, c, 7 * rows + c);
    for (const fusion of FUSIONS) {
      if ("residual" in fusion && !("relu" in fusion)) continue;
      const g = { rows, c, eps, momentum, ...fusion };
      const { residual, ...plain } = all;
      const inputs = "residual" in fusion ? { ...plain, residual } : plain;
      for (const statistics of ["batch", "running"] as const) {
        const reference = statistics === "batch" ? batchNormTrainReference : batchNormEvalReference;
        const { y: z } = reference({ ...g, relu: false }, inputs);
        const y = "relu" in fusion ? z.map((v) => Math.max(v, 0)) : z;
        const dy = clearOfTheStep(randomNormal(rows * c, rows), z);
        const expected = batchNormBackwardReference(g, inputs, y, dy, statistics);
        const { saveMean, saveInvStd } = batchNormTrainReference(g, inputs);
        const given = {
          ...plain,
          dy,
          y: Float32Array.from(y),
          saveMean: Float32Array.from(saveMean),
          saveInvStd: Float32Array.from(saveInvStd),
        };
        for (const limits of classesFor(rows, fusion)) {
          const plans =
            statistics === "batch"
              ? [planBatchNormTrainBackward(g, limits)]
              : [planBatchNormEvalBackward(g, limits), planBatchNormEvalBackward({ ...g, parameters: false }, limits)];
          for (const plan of plans) {
            const result = await runPlan(gpu(), plan, given);
            const sums = { rtol: 1e-5, atol: 2e-6 * Math.sqrt(rows) };
            for (const name of ["dgamma", "dbeta"] as const)
              if (result[name]) expectClose(result[name], expected[name], sums);
            expectClose(result["dx"]!, expected.dx, { rtol: 1e-5, atol: 1e-5 });
            if ("residual" in fusion) expectClose(result["dresidual"]!, expected.dresidual, { rtol: 0, atol: 0 });
          }
        }
      }
    }
  });

  it("a mean of ten thousand times the spread costs the variance none of its digits", async () => {
    const [rows, c] = [3001, 8];
    const x = randomNormal(rows * c, 5).map((v) => v * 0.5 + 5000);
    const inputs = { ...inputsOf(rows, c, 6), x };
    const g = { rows, c, eps, momentum };
    const expected = batchNormTrainReference(g, inputs);
    for (const limits of classes()) {
      const { saveInvStd, saveMean } = await runPlan(gpu(), planBatchNormTrain(g, limits), inputs);
      expectClose(saveMean!, expected.saveMean, { rtol: 1e-7, atol: 0 });
      expectClose(saveInvStd!, expected.saveInvStd, { rtol: 1e-5, atol: 0 });
    }
  });

  it("an outlier in the first row, which is what deviations are taken from, costs nothing either", async () => {
    const [rows, c] = [1000, 4];
    const x = randomNormal(rows * c, 8).map((v, i) => (i < c ? 300 : v));
    const inputs = { ...inputsOf(rows, c, 9), x };
    const g = { rows, c, eps, momentum };
    const expected = batchNormTrainReference(g, inputs);
    for (const limits of classes()) {
      const { saveInvStd } = await runPlan(gpu(), planBatchNormTrain(g, limits), inputs);
      expectClose(saveInvStd!, expected.saveInvStd, { rtol: 1e-5, atol: 0 });
    }
  });

  it("a NaN stays in its channel and goes through the relu", async () => {
    const inputs = inputsOf(50, 8, 3);
    inputs.x[8 * 20 + 2] = NaN;
    for (const limits of classes()) {
      const { y } = await runPlan(
        gpu(),
        planBatchNormTrain({ rows: 50, c: 8, eps, momentum, relu: true }, limits),
        inputs,
      );
      expect([...y!].every((v, i) => Number.isNaN(v) === (i % 8 === 2))).toBe(true);
    }
  });
});
