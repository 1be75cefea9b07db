import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { elementsOf } from "../elementwise/broadcast.ts";
import { reduceReference } from "./reference.ts";
import { planArgmax, planReduce, type ReduceOp } from "./reduce.ts";

describe("reduce plans", () => {
  it("compile the same WGSL for another batch", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      for (const axes of [[0], [1], [1, 2], [3], [0, 1, 2], [0, 3]]) {
        const texts = (n: number) =>
          new Set(planReduce({ op: "mean", shape: [n, 5, 6, 8], axes }, limits).passes.map(({ wgsl }) => wgsl));
        expect([...texts(3)].every((text) => texts(800).has(text))).toBe(true);
      }
    }
  });

  it("reduce in one pass what is small, and in a tree what is large", () => {
    expect(planReduce({ op: "sum", shape: [8, 4], axes: [1] }, BASELINE_GPU)).toMatchObject({
      operands: { x: 128, y: 32 },
      workspace: {},
      flop: 32,
      bytes: 160,
    });
    const plan = planReduce({ op: "sum", shape: [4_000_000] }, BASELINE_GPU);
    expect(plan.passes.length).toBeGreaterThan(1);
    expect(plan.passes.length).toBeLessThan(5);
    expect(plan.passes[0]!.wgsl).toMatchSnapshot("gpu");
    expect(planReduce({ op: "sum", shape: [4000, 64], axes: [0] }, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot(
      "cpu",
    );
  });

  it("name the axis that does not exist", () => {
    expect(() => planReduce({ op: "sum", shape: [2, 3], axes: [2] }, BASELINE_GPU)).toThrow(
      "sum: axis 2 is not an axis of the shape (shape [2,3], axes [2])",
    );
    expect(() => planReduce({ op: "sum", shape: [2, 3], axes: [1, 1] }, BASELINE_GPU)).toThrow(
      "sum: axes repeat (shape [2,3], axes [1,1])",
    );
  });
});

describeGpu("reduce kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];
  const cases: readonly (readonly [readonly number[], readonly number[]])[] = [
    [[1], [0]],
    [[17], [0]],
    [[100_003], [0]],
    [[7, 5], []],
    [[1, 64], [0]],
    [[300, 64], [0]],
    [[5000, 3], [0]],
    [[5000, 2], [0]],
    [[4097, 17], [0]],
    [[33, 1000], [1]],
    [
      [3, 7, 7, 20],
      [1, 2],
    ],
    [
      [4, 5, 6, 7],
      [0, 2],
    ],
    [
      [4, 5, 6, 7],
      [1, 3],
    ],
    [
      [3, 4, 5],
      [0, 1, 2],
    ],
  ];

  it.each(["sum", "mean", "sumOfSquares", "max", "min"] as const)(
    "%s agrees with f64 over every choice of axes",
    async (op: ReduceOp) => {
      for (const [index, [shape, axes]] of cases.entries()) {
        const x = randomNormal(elementsOf(shape), index + 1);
        const expected = reduceReference(op, x, shape, axes);
        for (const limits of classes()) {
          const { y } = await runPlan(gpu(), planReduce({ op, shape, axes }, limits), { x });
          expectClose(
            y!,
            expected,
            op === "max" || op === "min" ? { rtol: 0, atol: 0 } : { rtol: 1e-6, atol: op === "sum" ? 4e-5 : 1e-7 },
          );
        }
      }
    },
  );

  it("the sum of a million equal numbers loses no digits to its order", async () => {
    const x = new Float32Array(1_000_000).fill(0.1);
    for (const limits of classes()) {
      const { y } = await runPlan(gpu(), planReduce({ op: "sum", shape: [1_000_000] }, limits), { x });
      expectClose(y!, [1_000_000 * Math.fround(0.1)], { rtol: 2e-6, atol: 0 });
    }
  });

  it("one NaN makes the largest value NaN, as torch does", async () => {
    const x = randomNormal(3000, 4);
    x[1234] = NaN;
    for (const limits of classes()) {
      expect((await runPlan(gpu(), planReduce({ op: "max", shape: [3000] }, limits), { x })).y![0]).toBeNaN();
    }
  });

  it("argmax finds the first of the largest", async () => {
    for (const [rows, columns] of [
      [1, 1],
      [17, 2],
      [65, 1000],
      [257, 3],
    ] as const) {
      const x = randomNormal(rows * columns, rows).map((v) => Math.round(v * 4));
      const expected = Array.from({ length: rows }, (_, r) => {
        const row = [...x.subarray(r * columns, (r + 1) * columns)];
        return row.indexOf(Math.max(...row));
      });
      for (const limits of classes()) {
        const { y } = await runPlan(gpu(), planArgmax({ rows, columns }, limits), { x });
        expect([...new Uint32Array(y!.buffer)]).toEqual(expected);
      }
    }
  });
});
