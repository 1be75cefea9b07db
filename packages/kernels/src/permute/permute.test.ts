import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { elementsOf } from "../elementwise/broadcast.ts";
import { permutedDimensions } from "./layout.ts";
import { planPermute } from "./permute.ts";
import { permuteReference, sliceIntoReference, sliceReference } from "./reference.ts";
import { planSlice, planSliceBackward, planSliceInto, type SliceGeometry } from "./slice.ts";

describe("permute plans", () => {
  it("compile the same WGSL for another batch", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      for (const order of [
        [0, 3, 1, 2],
        [3, 0, 1, 2],
        [1, 2, 3, 0],
      ]) {
        const wgsl = (n: number) => planPermute({ shape: [n, 4, 6, 8], order }, limits).passes[0]!.wgsl;
        expect(wgsl(3)).toBe(wgsl(8));
        expect(wgsl(1)).toBe(wgsl(8));
      }
      const slice = (n: number) =>
        planSlice({ shape: [n, 6, 8], starts: [0, 2, 0], sizes: [n, 3, 8] }, limits).passes[0]!.wgsl;
      expect(slice(3)).toBe(slice(8));
    }
  });

  it("merge the axes that stay together", () => {
    expect(permutedDimensions("permute", [2, 3, 4, 5], [0, 3, 1, 2]).map(({ size, stride }) => [size, stride])).toEqual(
      [
        [2, 60],
        [5, 1],
        [12, 5],
      ],
    );
    expect(permutedDimensions("permute", [2, 3, 4], [0, 1, 2]).map(({ size, stride }) => [size, stride])).toEqual([
      [24, 1],
    ]);
  });

  it("write what they wrote when this was reviewed", () => {
    expect(planPermute({ shape: [2, 3, 4, 8], order: [0, 3, 1, 2] }, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot(
      "transposition, gpu",
    );
    expect(planPermute({ shape: [2, 3, 4, 8], order: [2, 0, 1, 3] }, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot(
      "strided, cpu",
    );
    expect(planPermute({ shape: [2, 3], order: [1, 0] }, BASELINE_GPU)).toMatchObject({
      flop: 0,
      bytes: 48,
      operands: { x: 24, y: 24 },
    });
  });

  it("say what is wrong with an order or a box", () => {
    expect(() => planPermute({ shape: [2, 3], order: [1, 1] }, BASELINE_GPU)).toThrow(
      "permute: order must name every axis once (shape [2,3], order [1,1])",
    );
    expect(() => planSlice({ shape: [2, 3], starts: [0, 2], sizes: [2, 2] }, BASELINE_GPU)).toThrow(
      "slice: axis 1 has no elements 2 to 3 (shape [2,3], starts [0,2], sizes [2,2])",
    );
    expect(() => planSlice({ shape: [2, 3], starts: [0], sizes: [2, 2] }, BASELINE_GPU)).toThrow(
      "slice: starts and sizes need an entry an axis",
    );
  });
});

describeGpu("permute kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  it.each([
    { shape: [1], order: [0] },
    { shape: [1, 17], order: [1, 0] },
    { shape: [33, 31], order: [1, 0] },
    { shape: [32, 64], order: [1, 0] },
    { shape: [5, 33, 65], order: [0, 2, 1] },
    { shape: [64, 3, 7, 7], order: [0, 2, 3, 1] },
    { shape: [3, 4, 5, 8], order: [2, 0, 1, 3] },
    { shape: [3, 4, 5, 6], order: [3, 1, 2, 0] },
    { shape: [2, 1, 3, 1, 8], order: [4, 3, 2, 1, 0] },
  ])("permute $shape to $order moves every element to its place", async ({ shape, order }) => {
    const x = randomNormal(elementsOf(shape), 7);
    for (const limits of classes()) {
      const { y } = await runPlan(gpu(), planPermute({ shape, order }, limits), { x });
      expectClose(y!, permuteReference(x, shape, order), { rtol: 0, atol: 0 });
    }
  });

  const boxes: SliceGeometry[] = [
    { shape: [1], starts: [0], sizes: [1] },
    { shape: [1025], starts: [3], sizes: [17] },
    { shape: [9, 5], starts: [2, 0], sizes: [4, 5] },
    { shape: [9, 5, 8], starts: [0, 1, 0], sizes: [9, 3, 8] },
    { shape: [4, 5, 6, 7], starts: [1, 2, 3, 4], sizes: [2, 3, 1, 3] },
  ];
  it.each(boxes)("a slice of $shape, its gradient and a write into it touch the box and nothing else", async (box) => {
    const whole = randomNormal(elementsOf(box.shape), 3);
    const part = randomNormal(elementsOf(box.sizes), 4);
    for (const limits of classes()) {
      expectClose((await runPlan(gpu(), planSlice(box, limits), { x: whole })).y!, sliceReference(whole, box), {
        rtol: 0,
        atol: 0,
      });
      expectClose(
        (await runPlan(gpu(), planSliceBackward(box, limits), { dy: part })).dx!,
        sliceIntoReference(
          part,
          whole.map(() => 0),
          box,
        ),
        { rtol: 0, atol: 0 },
      );
      expectClose(
        (await runPlan(gpu(), planSliceInto(box, limits), { x: part, y: whole })).y!,
        sliceIntoReference(part, whole, box),
        { rtol: 0, atol: 0 },
      );
    }
  });
});
