import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, mulberry32, randomNormal, runPlan, type TestGpu } from "../testing/index.ts";
import {
  IGNORED_LABEL,
  planCrossEntropy,
  planCrossEntropyBackward,
  type CrossEntropyGeometry,
} from "./crossEntropy.ts";
import { crossEntropyReference, logSoftmaxReference, softmaxReference } from "./reference.ts";
import { planLogSoftmax, planLogSoftmaxBackward, planSoftmax, planSoftmaxBackward } from "./softmax.ts";

const TORCH = JSON.parse(readFileSync(new URL("torch.json", import.meta.url), "utf8")) as {
  readonly cases: readonly {
    rows: number;
    classes: number;
    labelSmoothing: number;
    logits: number[];
    labels: number[];
    weights: number[] | null;
    loss: number;
    dlogits: number[];
  }[];
};

/** Forward, then backward with a gradient of `dloss`. */
async function bothWays(
  gpu: TestGpu,
  geometry: CrossEntropyGeometry,
  limits: DeviceLimits,
  inputs: { logits: ArrayLike<number>; labels: ArrayLike<number>; weights: ArrayLike<number> | null },
  dloss = 1,
) {
  const given = {
    logits: Float32Array.from(inputs.logits),
    labels: Uint32Array.from(inputs.labels),
    ...(inputs.weights ? { weights: Float32Array.from(inputs.weights) } : {}),
  };
  const forward = await runPlan(gpu, planCrossEntropy(geometry, limits), given);
  const totalWeight = forward["totalWeight"]!;
  const backward = await runPlan(gpu, planCrossEntropyBackward(geometry, limits), {
    ...given,
    totalWeight,
    dloss: new Float32Array([dloss]),
  });
  return {
    losses: forward["losses"]!,
    loss: forward["loss"]![0]!,
    totalWeight: totalWeight[0]!,
    dlogits: backward["dlogits"]!,
  };
}

describe("softmax plans", () => {
  it("compile the same WGSL for another batch", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      const texts = (rows: number) =>
        [
          planCrossEntropy({ rows, classes: 2, weighted: true }, limits),
          planCrossEntropyBackward({ rows, classes: 2 }, limits),
          planSoftmax({ rows, columns: 2 }, limits),
        ].flatMap(({ passes }) => passes.map(({ wgsl }) => wgsl));
      expect(texts(3)).toEqual(texts(8));
    }
  });

  it("write what they wrote when this was reviewed", () => {
    const plan = planCrossEntropy({ rows: 8, classes: 2, weighted: true }, BASELINE_GPU);
    expect(plan.passes.map(({ wgsl }) => wgsl).join("\n")).toMatchSnapshot("forward, gpu");
    expect(planCrossEntropyBackward({ rows: 8, classes: 2 }, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot(
      "backward, cpu",
    );
    expect(plan).toMatchObject({
      operands: { logits: 64, labels: 32, weights: 8, losses: 32, loss: 4, totalWeight: 4 },
      bytes: 144,
      flop: 80,
    });
  });

  it("say which size or option is out of range", () => {
    expect(() => planCrossEntropy({ rows: 0, classes: 2 }, BASELINE_GPU)).toThrow(
      "crossEntropy: rows must be a positive integer (rows 0, classes 2)",
    );
    expect(() => planCrossEntropy({ rows: 1, classes: 2, labelSmoothing: 2 }, BASELINE_GPU)).toThrow(
      "crossEntropy: labelSmoothing must be from 0 to 1 (labelSmoothing 2)",
    );
  });
});

describeGpu("softmax kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  it.each([
    { rows: 1, columns: 1 },
    { rows: 17, columns: 2 },
    { rows: 65, columns: 63 },
    { rows: 3, columns: 1000 },
  ])("softmax and its logarithm over $rows rows of $columns agree with f64, both ways", async (geometry) => {
    const { rows, columns } = geometry;
    const x = randomNormal(rows * columns, 1).map((v) => v * 4);
    const dy = randomNormal(rows * columns, 2);
    const [y, logs] = [softmaxReference(x, columns), logSoftmaxReference(x, columns)];
    const rowSum = (i: number, f: (k: number) => number): number => {
      const base = i - (i % columns);
      return Array.from({ length: columns }, (_, j) => f(base + j)).reduce((a, b) => a + b);
    };
    for (const limits of classes()) {
      expectClose((await runPlan(gpu(), planSoftmax(geometry, limits), { x })).y!, y, { rtol: 5e-6, atol: 1e-7 });
      expectClose((await runPlan(gpu(), planLogSoftmax(geometry, limits), { x })).y!, logs, { rtol: 1e-6, atol: 2e-6 });
      const { dx } = await runPlan(gpu(), planSoftmaxBackward(geometry, limits), { y: Float32Array.from(y), dy });
      expectClose(
        dx!,
        Float64Array.from(y, (v, i) => v * (dy[i]! - rowSum(i, (k) => dy[k]! * y[k]!))),
        { rtol: 2e-6, atol: 1e-6 },
      );
      const { dx: logDx } = await runPlan(gpu(), planLogSoftmaxBackward(geometry, limits), {
        y: Float32Array.from(logs),
        dy,
      });
      expectClose(
        logDx!,
        Float64Array.from(logs, (v, i) => dy[i]! - Math.exp(v) * rowSum(i, (k) => dy[k]!)),
        { rtol: 5e-6, atol: 5e-6 },
      );
    }
  });

  it("the loss and its gradient are torch's, with class weights and label smoothing", async () => {
    for (const { rows, classes: count, labelSmoothing, loss, dlogits, ...inputs } of TORCH.cases) {
      for (const limits of classes()) {
        const result = await bothWays(
          gpu(),
          { rows, classes: count, weighted: inputs.weights !== null, labelSmoothing },
          limits,
          inputs,
        );
        expectClose([result.loss], [loss], { rtol: 2e-6, atol: 1e-6 });
        expectClose(result.dlogits, dlogits, { rtol: 1e-5, atol: 5e-7 });
      }
    }
  });

  it.each([1, 17, 63, 64, 65, 1025])(
    "%i rows agree with f64, ignored labels and an upstream gradient included",
    async (rows) => {
      const random = mulberry32(rows);
      for (const count of [2, 11]) {
        const logits = randomNormal(rows * count, rows).map((v) => v * 5);
        const labels = Array.from({ length: rows }, (_, i) =>
          i > 0 && random() < 0.2 ? IGNORED_LABEL : Math.floor(random() * count),
        );
        const weights = Float32Array.from({ length: count }, () => random() + 0.25);
        for (const reduction of ["mean", "sum"] as const) {
          const expected = crossEntropyReference(logits, labels, weights, 0.05, reduction);
          for (const limits of classes()) {
            const geometry = { rows, classes: count, weighted: true, labelSmoothing: 0.05, reduction };
            const result = await bothWays(gpu(), geometry, limits, { logits, labels, weights }, 3);
            expectClose(result.losses, expected.losses, { rtol: 3e-6, atol: 1e-6 });
            expectClose([result.loss, result.totalWeight], [expected.loss, expected.totalWeight], {
              rtol: 3e-6,
              atol: 1e-6,
            });
            expectClose(
              result.dlogits,
              expected.dlogits.map((v) => 3 * v),
              { rtol: 1e-5, atol: reduction === "sum" ? 3e-6 : 1e-6 },
            );
          }
        }
      }
    },
  );

  it("logits of a thousand neither overflow nor lose the loss", async () => {
    for (const limits of classes()) {
      const result = await bothWays(gpu(), { rows: 2, classes: 2 }, limits, {
        logits: [1000, -1000, 1000, 999],
        labels: [1, 0],
        weights: null,
      });
      expectClose(result.losses, [2000, Math.log1p(Math.exp(-1))], { rtol: 1e-6, atol: 0 });
    }
  });

  it("a NaN logit makes the loss NaN", async () => {
    for (const limits of classes()) {
      const result = await bothWays(gpu(), { rows: 2, classes: 2 }, limits, {
        logits: [1, NaN, 1, 2],
        labels: [0, 0],
        weights: null,
      });
      expect(result.loss).toBeNaN();
    }
  });

  it("rows past a dimension's workgroups are served too", async () => {
    const [rows, columns] = [1003, 3];
    const x = randomNormal(rows * columns, 3);
    for (const limits of classes()) {
      const plan = planSoftmax(
        { rows, columns },
        { ...limits, maxWorkgroupsPerDimension: limits.deviceClass === "gpu" ? 100 : 5 },
      );
      expect(plan.passes[0]!.workgroups[1]).toBeGreaterThan(1);
      expectClose((await runPlan(gpu(), plan, { x })).y!, softmaxReference(x, columns), { rtol: 3e-6, atol: 1e-7 });
    }
  });
});
