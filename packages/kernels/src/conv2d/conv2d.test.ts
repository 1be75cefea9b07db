import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { planMatmul } from "../matmul/index.ts";
import type { KernelPlan } from "../plan.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { planConv2dForward, planConv2dGradInput, planConv2dGradWeight } from "./conv2d.ts";
import { conv2dGeometry, type Conv2dGeometry, type Conv2dSizes } from "./geometry.ts";
import { conv2dForwardReference, conv2dGradInputReference, conv2dGradWeightReference } from "./reference.ts";
import { resnet50ConvShapes } from "./shapes.ts";

const plans: readonly ((g: Conv2dGeometry, limits: DeviceLimits) => KernelPlan)[] = [
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
];

describe("conv2d geometry", () => {
  it("derives the size of the output as torch does", () => {
    expect(conv2dGeometry({ n: 2, h: 224, w: 223, c: 3, k: 64, r: 7, s: 7, stride: 2, padding: 3 })).toMatchObject({
      outH: 112,
      outW: 112,
    });
    expect(conv2dGeometry({ n: 1, h: 9, w: 8, c: 1, k: 1, r: 3, s: 1, stride: [1, 2], padding: [1, 0] })).toMatchObject(
      { outH: 9, outW: 4 },
    );
  });

  it("names the shapes that don't fit", () => {
    const sizes = { n: 1, h: 4, w: 4, c: 2, k: 3, r: 7, s: 7 };
    expect(() => conv2dGeometry({ ...sizes, padding: 1 })).toThrow(
      "conv2d: the filter is larger than the padded image (x [1,4,4,2], w [3,7,7,2], stride 1, padding 1)",
    );
    expect(() => conv2dGeometry({ ...sizes, stride: 0 })).toThrow(
      "conv2d: the stride must be a positive integer (x [1,4,4,2], w [3,7,7,2], stride 0, padding 0)",
    );
    expect(() => conv2dGeometry({ ...sizes, padding: -1 })).toThrow(
      "conv2d: the padding must be an integer, 0 or more",
    );
    expect(() => conv2dGeometry({ ...sizes, c: 0 })).toThrow("conv2d: c must be a positive integer");
  });
});

describe("conv2d plans", () => {
  it("count ResNet-50's multiply-adds as published: 4.09 billion an image at 224", () => {
    const flop = resnet50ConvShapes(224, 1).reduce(
      (sum, { count, geometry }) => sum + count * planConv2dForward(geometry, BASELINE_GPU).flop,
      0,
    );
    expect(flop / 2e9).toBeCloseTo(4.087, 3);
  });

  it("compile nothing new for a smaller batch, at every convolution of ResNet-50", () => {
    const other = resnet50ConvShapes(64, 3);
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      for (const [index, { geometry }] of resnet50ConvShapes(64, 8).entries()) {
        for (const plan of plans) {
          const texts = (g: Conv2dGeometry) => plan(g, limits).passes.map(({ wgsl }) => wgsl);
          const known = texts(geometry);
          expect(texts(other[index]!.geometry).filter((text) => !known.includes(text))).toEqual([]);
        }
      }
    }
  });

  it("move each operand once", () => {
    const g = conv2dGeometry({ n: 2, h: 5, w: 5, c: 4, k: 8, r: 3, s: 3, padding: 1 });
    expect(planConv2dForward(g, BASELINE_GPU, { bias: true })).toMatchObject({
      operands: { x: 800, w: 1152, bias: 32, y: 1600 },
      bytes: 3584,
      flop: 28_800 + 400,
    });
    expect(planConv2dGradInput(g, BASELINE_GPU)).toMatchObject({
      operands: { dy: 1600, w: 1152, dx: 800 },
      flop: 28_800,
    });
    expect(planConv2dGradWeight(g, BASELINE_GPU)).toMatchObject({
      operands: { x: 800, dy: 1600, dw: 1152 },
      flop: 28_800,
    });
  });

  it("write what they wrote when this was reviewed", () => {
    const sizes = { n: 2, h: 14, w: 14, c: 64, k: 64, r: 3, s: 3, stride: 2, padding: 1 };
    const texts = (plan: KernelPlan) => plan.passes.map(({ wgsl }) => wgsl);
    for (const plan of plans) {
      const { name, passes } = plan(conv2dGeometry(sizes), BASELINE_GPU);
      expect(passes.at(plan === planConv2dGradWeight ? 0 : -1)!.wgsl).toMatchSnapshot(`gpu, ${name}`);
    }
    // A software device's forward and input gradient are the matrix product's passes; its weight gradient is its own.
    const known = [
      ...texts(planMatmul({ m: 100, n: 1000, k: 2047 }, BASELINE_CPU)),
      ...texts(planMatmul({ m: 100, n: 1000, k: 2047, bias: true }, BASELINE_CPU)),
    ];
    for (const plan of [
      planConv2dForward(conv2dGeometry(sizes), BASELINE_CPU),
      planConv2dForward(conv2dGeometry(sizes), BASELINE_CPU, { bias: true }),
      planConv2dGradInput(conv2dGeometry(sizes), BASELINE_CPU),
    ])
      expect(texts(plan).filter((text) => !known.includes(text))).toEqual([]);
    const gradWeight = (k: number) => planConv2dGradWeight(conv2dGeometry({ ...sizes, k }), BASELINE_CPU).passes;
    expect(gradWeight(64).map(({ label }) => label.split("-> ")[1])).toEqual(["64 lay out", "64"]);
    expect(gradWeight(64)[1]!.wgsl).toMatchSnapshot("cpu, gradWeight, whole vectors of filters");
    expect(gradWeight(5).at(-1)!.wgsl).toMatchSnapshot("cpu, gradWeight, 5 filters");
  });
});

const cases: Readonly<Record<string, Conv2dSizes>> = {
  "one of everything": { n: 1, h: 1, w: 1, c: 1, k: 1, r: 1, s: 1 },
  "the stem: 7x7/2, 3 channels": { n: 2, h: 22, w: 19, c: 3, k: 24, r: 7, s: 7, stride: 2, padding: 3 },
  "3x3/1": { n: 2, h: 9, w: 7, c: 16, k: 40, r: 3, s: 3, padding: 1 },
  "3x3/1, an image of one pixel": { n: 3, h: 1, w: 1, c: 64, k: 64, r: 3, s: 3, padding: 1 },
  "3x3/1, 2x2 images, 128 filters": { n: 3, h: 2, w: 2, c: 32, k: 128, r: 3, s: 3, padding: 1 },
  "3x3/2, even": { n: 2, h: 8, w: 10, c: 32, k: 32, r: 3, s: 3, stride: 2, padding: 1 },
  "3x3/2, odd": { n: 1, h: 9, w: 11, c: 64, k: 64, r: 3, s: 3, stride: 2, padding: 1 },
  "1x1/1": { n: 2, h: 7, w: 7, c: 64, k: 96, r: 1, s: 1 },
  "1x1/1, a tile and one more": { n: 1, h: 13, w: 5, c: 65, k: 65, r: 1, s: 1 },
  "1x1/2": { n: 2, h: 8, w: 9, c: 64, k: 128, r: 1, s: 1, stride: 2 },
  "17 channels to 5": { n: 2, h: 6, w: 5, c: 17, k: 5, r: 3, s: 3, padding: 1 },
  "a rectangular filter without padding": { n: 1, h: 8, w: 9, c: 8, k: 12, r: 2, s: 5 },
  "strides that differ": { n: 2, h: 9, w: 12, c: 4, k: 8, r: 3, s: 4, stride: [3, 2], padding: [1, 2] },
  "a stride past the filter": { n: 1, h: 11, w: 11, c: 8, k: 8, r: 2, s: 2, stride: 4 },
  "more padding than filter": { n: 1, h: 3, w: 4, c: 4, k: 4, r: 2, s: 2, padding: 3 },
  "nothing but padding across": { n: 1, h: 5, w: 1, c: 4, k: 8, r: 2, s: 2, stride: 4, padding: [0, 3] },
  "many pixels": { n: 3, h: 33, w: 31, c: 8, k: 16, r: 3, s: 3, padding: 1 },
};

/** Cases of many pipelines of a GPU's kernels, whose every kind is in another case too: a software device compiles them for minutes. */
const costly = ["3x3/2, even", "a stride past the filter", "nothing but padding across"];

/** For the software devices' kernels, which all share a few pipelines; a GPU's would each take seconds to compile there. */
const softwareCases: Readonly<Record<string, Conv2dSizes>> = {
  "nothing but padding under the filters": { n: 1, h: 1, w: 1, c: 1, k: 1, r: 2, s: 2, stride: 4, padding: 3 },
  "a filter as large as the padded image": { n: 2, h: 3, w: 4, c: 2, k: 3, r: 7, s: 6, padding: [2, 1] },
  ...Object.fromEntries(
    [1, 2, 3, 4, 5].map((c): [string, Conv2dSizes] => [
      `${c} channels to ${6 - c}, one image`,
      { n: 1, h: 7, w: 6, c, k: 6 - c, r: 3, s: 3, stride: 2, padding: 1 },
    ]),
  ),
  "66 filters of 17 channels": { n: 1, h: 12, w: 13, c: 17, k: 66, r: 2, s: 2 },
};

describeGpu("conv2d kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  async function expectProducts(sizes: Conv2dSizes, devices: readonly DeviceLimits[]): Promise<void> {
    const g = conv2dGeometry(sizes);
    const x = randomNormal(g.n * g.h * g.w * g.c, 1);
    const w = randomNormal(g.k * g.r * g.s * g.c, 2);
    const bias = randomNormal(g.k, 3);
    const dy = randomNormal(g.n * g.outH * g.outW * g.k, 4);
    const y = conv2dForwardReference(g, x, w);
    const yBias = y.map((value, i) => value + bias[i % g.k]!);
    const dx = conv2dGradInputReference(g, dy, w);
    const dw = conv2dGradWeightReference(g, x, dy);
    // Sums of normal products: the error grows as the square root of their number.
    const atol = (terms: number) => 1e-6 * Math.max(1, Math.sqrt(terms));
    for (const limits of devices) {
      // Kernels for the other class of device are compiled here for nothing else: half of the cases with bias, half without.
      const own = limits.deviceClass === gpu().limits.deviceClass;
      if (own || g.k % 16 !== 0)
        expectClose((await runPlan(gpu(), planConv2dForward(g, limits), { x, w })).y!, y, {
          rtol: 1e-5,
          atol: atol(g.r * g.s * g.c),
        });
      if (own || g.k % 16 === 0)
        expectClose((await runPlan(gpu(), planConv2dForward(g, limits, { bias: true }), { x, w, bias })).y!, yBias, {
          rtol: 1e-5,
          atol: atol(g.r * g.s * g.c),
        });
      expectClose((await runPlan(gpu(), planConv2dGradInput(g, limits), { dy, w })).dx!, dx, {
        rtol: 1e-5,
        atol: atol(g.r * g.s * g.k),
      });
      expectClose((await runPlan(gpu(), planConv2dGradWeight(g, limits), { x, dy })).dw!, dw, {
        rtol: 1e-5,
        atol: atol(g.n * g.outH * g.outW),
      });
    }
  }

  it.each(Object.entries(cases))("%s: the three products agree with f64", (name, sizes) =>
    expectProducts(
      sizes,
      classes().filter(({ deviceClass }) => deviceClass === gpu().limits.deviceClass || !costly.includes(name)),
    ),
  );

  it.each(Object.entries(softwareCases))("%s, on a software device: the three products agree with f64", (_, sizes) =>
    expectProducts(sizes, [{ ...gpu().limits, deviceClass: "cpu" }]),
  );

  it("images have the same bits in a small batch and in a large one", async () => {
    // Up to 256 rows of outputs a software device reads the filters where they are, past them from a packed copy.
    const [alone, batch] = [4, 8].map((n) => conv2dGeometry({ ...cases["3x3/1"]!, n })) as [
      Conv2dGeometry,
      Conv2dGeometry,
    ];
    const w = randomNormal(batch.k * 9 * batch.c, 2);
    const [x, dy] = [randomNormal(8 * 63 * batch.c, 1), randomNormal(8 * 63 * batch.k, 4)];
    for (const limits of classes()) {
      const y = (await runPlan(gpu(), planConv2dForward(alone, limits), { x: x.slice(0, x.length / 2), w })).y!;
      const dx = (await runPlan(gpu(), planConv2dGradInput(alone, limits), { dy: dy.slice(0, dy.length / 2), w })).dx!;
      const [ys, dxs] = [
        (await runPlan(gpu(), planConv2dForward(batch, limits), { x, w })).y!,
        (await runPlan(gpu(), planConv2dGradInput(batch, limits), { dy, w })).dx!,
      ];
      expect(ys.subarray(0, y.length)).toEqual(y);
      expect(dxs.subarray(0, dx.length)).toEqual(dx);
    }
  });

  it("more workgroups than a dimension holds are folded into a second one, and none is lost", async () => {
    const sizes = { ...cases["many pixels"]!, n: 2 };
    const narrow = classes().map((limits) => ({ ...limits, maxWorkgroupsPerDimension: 17 }));
    for (const limits of narrow) {
      for (const plan of plans)
        expect(Math.max(...plan(conv2dGeometry(sizes), limits).passes.map(({ workgroups }) => workgroups[1]))).not.toBe(
          1,
        );
    }
    await expectProducts(sizes, narrow);
  });

  it("the same bits come out twice", async () => {
    const g = conv2dGeometry({ n: 2, h: 20, w: 20, c: 16, k: 16, r: 3, s: 3, padding: 1 });
    const x = randomNormal(g.n * g.h * g.w * g.c, 1);
    const dy = randomNormal(g.n * g.outH * g.outW * g.k, 4);
    for (const limits of classes()) {
      const [first, second] = [
        await runPlan(gpu(), planConv2dGradWeight(g, limits), { x, dy }),
        await runPlan(gpu(), planConv2dGradWeight(g, limits), { x, dy }),
      ];
      expect(first.dw).toEqual(second.dw);
    }
  });
});
