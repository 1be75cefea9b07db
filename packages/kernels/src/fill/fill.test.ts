import { describe, expect, it } from "vitest";
import { BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, randomNormal, runPlan } from "../testing/index.ts";
import { planFill, planGather } from "./fill.ts";

describe("fill and gather plans", () => {
  it("compile the same WGSL for another value, count or number of rows", () => {
    expect(planFill({ count: 3, value: 1 }, BASELINE_GPU).passes[0]!.wgsl).toBe(
      planFill({ count: 80, value: NaN }, BASELINE_GPU).passes[0]!.wgsl,
    );
    const gather = (rows: number) => planGather({ tableRows: 9, rows, width: 8 }, BASELINE_GPU);
    expect(gather(3).passes[0]!.wgsl).toBe(gather(8).passes[0]!.wgsl);
    expect(gather(3).passes[0]!.wgsl).toMatchSnapshot("gather");
    expect(planFill({ count: 3, value: 1 }, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot("fill");
    expect(gather(3)).toMatchObject({ operands: { table: 288, index: 12, y: 96 }, flop: 0, bytes: 204 });
  });

  it("say which size is wrong", () => {
    expect(() => planGather({ tableRows: 0, rows: 1, width: 1 }, BASELINE_GPU)).toThrow(
      "gather: tableRows must be a positive integer (tableRows 0, rows 1, width 1)",
    );
  });
});

describeGpu("fill and gather kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  it.each([1, 17, 256, 1025])("fills all of %i elements, NaN and integers too", async (count) => {
    for (const limits of classes()) {
      for (const value of [0, -1.5, NaN, Infinity]) {
        expect(
          (await runPlan(gpu(), planFill({ count, value }, limits), { y: new Float32Array(count).fill(7) })).y,
        ).toEqual(new Float32Array(count).fill(value));
      }
      const { y } = await runPlan(gpu(), planFill({ count, value: -3, dtype: "i32" }, limits), {});
      expect(new Int32Array(y!.buffer)).toEqual(new Int32Array(count).fill(-3));
    }
  });

  it.each([
    { tableRows: 1, rows: 1, width: 1 },
    { tableRows: 17, rows: 5, width: 8 },
    { tableRows: 5, rows: 17, width: 13 },
    { tableRows: 9, rows: 33, width: 256 },
  ])("picks $rows rows of $width in the order of the index", async ({ tableRows, rows, width }) => {
    const table = randomNormal(tableRows * width, 1);
    const index = Uint32Array.from({ length: rows }, (_, i) => (i * 7 + 3) % tableRows);
    const expected = [...index].flatMap((row) => [...table.subarray(row * width, (row + 1) * width)]);
    for (const limits of classes()) {
      expect([...(await runPlan(gpu(), planGather({ tableRows, rows, width }, limits), { table, index })).y!]).toEqual(
        expected,
      );
    }
  });
});
