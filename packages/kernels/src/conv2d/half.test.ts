import { describe, expect, it } from "vitest";
import { DeviceLimitError } from "../errors.ts";
import { BASELINE_GPU } from "../limits.ts";
import type { KernelPlan } from "../plan.ts";
import { matrixOf } from "../product/matrices.ts";
import {
  describeGpu,
  expectWithin,
  halvesOf,
  randomNormal,
  runPlan,
  SMALL_MATRICES,
  sumBounds,
  TENSOR_CORES,
  toHalves,
} from "../testing/index.ts";
import {
  conv2dForwardCandidates,
  conv2dGradInputCandidates,
  conv2dGradWeightCandidates,
  conv2dKey,
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
  type Conv2dProduct,
} from "./conv2d.ts";
import { conv2dGeometry, type Conv2dGeometry, type Conv2dSizes } from "./geometry.ts";
import { conv2dForwardReference, conv2dGradInputReference, conv2dGradWeightReference } from "./reference.ts";
import { resnet50ConvShapes } from "./shapes.ts";

const dtype = "f16";
const plans = {
  forward: planConv2dForward,
  gradInput: planConv2dGradInput,
  gradWeight: planConv2dGradWeight,
} as const;
const candidates = {
  forward: conv2dForwardCandidates,
  gradInput: conv2dGradInputCandidates,
  gradWeight: conv2dGradWeightCandidates,
} as const;
const products = Object.keys(plans) as Conv2dProduct[];

describe("conv2d plans in f16", () => {
  it("read and write two bytes an element, but for the bias and the weight's gradient", () => {
    const g = conv2dGeometry({ n: 1, h: 5, w: 5, c: 3, k: 5, r: 3, s: 3, padding: 1 });
    const [x, w, y] = [152, 272, 252]; // 75, 135 and 125 elements, in whole words
    expect(planConv2dForward(g, TENSOR_CORES, { dtype, bias: true }).operands).toEqual({ x, w, bias: 20, y });
    expect(planConv2dGradInput(g, TENSOR_CORES, { dtype }).operands).toEqual({ dy: y, w, dx: x });
    expect(planConv2dGradWeight(g, TENSOR_CORES, { dtype }).operands).toEqual({ x, dy: y, dw: 540 });
  });

  it("refuse a device without f16", () => {
    const g = conv2dGeometry({ n: 1, h: 5, w: 5, c: 3, k: 5, r: 3, s: 3 });
    for (const product of products) {
      expect(() => plans[product](g, BASELINE_GPU, { dtype })).toThrow(DeviceLimitError);
      expect(() => candidates[product](g, BASELINE_GPU, { dtype })).toThrow(DeviceLimitError);
    }
  });

  it("compile nothing new for a smaller batch, at every convolution of ResNet-50, and have one key for both", () => {
    const other = resnet50ConvShapes(64, 3);
    for (const limits of [TENSOR_CORES, SMALL_MATRICES]) {
      for (const [index, { geometry }] of resnet50ConvShapes(64, 8).entries()) {
        const smaller = other[index]!.geometry;
        for (const product of products) {
          const texts = (g: Conv2dGeometry) => plans[product](g, limits, { dtype }).passes.map(({ wgsl }) => wgsl);
          const known = texts(geometry);
          expect(texts(smaller).filter((text) => !known.includes(text))).toEqual([]);
          expect(conv2dKey(product, smaller, dtype)).toBe(conv2dKey(product, geometry, dtype));
        }
      }
    }
  });

  it("have candidates with names of their own, the one by rule first, and take the one that a device was tuned to", () => {
    for (const { geometry: g } of resnet50ConvShapes(224, 2).filter((_, i) => i % 6 === 0)) {
      for (const product of products) {
        for (const type of ["f32", "f16"] as const) {
          const all = candidates[product](g, TENSOR_CORES, { dtype: type });
          expect(new Set(all.map(({ variant }) => variant)).size).toBe(all.length);
          expect(all[0]!.plan.passes).toEqual(plans[product](g, TENSOR_CORES, { dtype: type }).passes);
          const last = all.at(-1)!;
          const tuned = { ...TENSOR_CORES, choices: { [conv2dKey(product, g, type)]: last.variant } };
          expect(plans[product](g, tuned, { dtype: type }).passes).toEqual(last.plan.passes);
        }
      }
    }
  });

  it("take the tall tile for 64 filters, the large one for more, and the small one at the network's end", () => {
    const first = (sizes: Conv2dSizes) =>
      conv2dForwardCandidates(conv2dGeometry(sizes), TENSOR_CORES, { dtype })[0]!.variant;
    const filter = { r: 3, s: 3, padding: 1 };
    expect(first({ n: 1, h: 56, w: 56, c: 64, k: 64, ...filter })).toBe("cooperative 256x64x32/8x1");
    expect(first({ n: 1, h: 28, w: 28, c: 128, k: 128, ...filter })).toBe("cooperative 128x128x32/4x2");
    expect(first({ n: 1, h: 7, w: 7, c: 512, k: 512, ...filter })).toBe("cooperative 64x64x32/2x2");
  });

  it("write what they wrote when this was reviewed", () => {
    const g = conv2dGeometry({ n: 2, h: 14, w: 14, c: 64, k: 64, r: 3, s: 3, stride: 2, padding: 1 });
    const variant = "cooperative 64x64x32/2x2";
    for (const product of products) {
      const { name, passes } = plans[product](g, TENSOR_CORES, { dtype, variant });
      expect(passes[0]!.wgsl).toMatchSnapshot(`16x16x16, subgroups of 32, ${name}`);
    }
    const stem = conv2dGeometry({ n: 1, h: 14, w: 14, c: 3, k: 64, r: 7, s: 7, stride: 2, padding: 3 });
    expect(planConv2dForward(stem, SMALL_MATRICES, { dtype, variant: "cooperative" }).passes[0]!.wgsl).toMatchSnapshot(
      "8x8x8, subgroups of 8, stem",
    );
    expect(planConv2dForward(g, TENSOR_CORES, { dtype, variant: "tiled64" }).passes[0]!.wgsl).toMatchSnapshot(
      "tiled, f16",
    );
  });
});

interface Case {
  readonly sizes: Conv2dSizes;
  /** The products whose kernels are new ones there: each takes the software device's compiler a second or two. */
  readonly products: readonly Conv2dProduct[];
}

const cooperative: Readonly<Record<string, Case>> = {
  "3x3/1, whole vectors": { sizes: { n: 2, h: 9, w: 7, c: 8, k: 40, r: 3, s: 3, padding: 1 }, products },
  "the stem: 7x7/2, 3 channels": {
    sizes: { n: 1, h: 14, w: 11, c: 3, k: 24, r: 7, s: 7, stride: 2, padding: 3 },
    products: ["forward", "gradWeight"],
  },
  "3x3/2, 17 channels to 5, odd sizes": {
    sizes: { n: 1, h: 9, w: 7, c: 17, k: 5, r: 3, s: 3, stride: 2, padding: 1 },
    products,
  },
  "1x1/2, most of whose inputs no filter sees": {
    sizes: { n: 2, h: 5, w: 4, c: 16, k: 8, r: 1, s: 1, stride: 2 },
    products: ["gradInput"],
  },
  "many pixels, whose sums are split": {
    sizes: { n: 3, h: 33, w: 31, c: 16, k: 8, r: 1, s: 1 },
    products: ["gradWeight"],
  },
};

const tiled: Readonly<Record<string, Case>> = {
  "3x3/1, whole vectors": { sizes: { n: 2, h: 9, w: 7, c: 8, k: 12, r: 3, s: 3, padding: 1 }, products },
  "2x3/1, 17 channels to 5": { sizes: { n: 1, h: 6, w: 5, c: 17, k: 5, r: 2, s: 3, padding: [1, 0] }, products },
};

/** Whose few kernels serve every convolution. */
const rows = Object.fromEntries(
  [...Object.entries(cooperative), ...Object.entries(tiled)].map(([title, { sizes }]) => [title, { sizes, products }]),
);

describeGpu("conv2d kernels in f16", (gpu) => {
  /** Runs a product of some normal numbers, rounded to f16, and holds it against f64 by what summing in f32 and rounding may change. */
  async function expectProduct(g: Conv2dGeometry, product: Conv2dProduct, plan: KernelPlan): Promise<void> {
    const x = toHalves(randomNormal(g.n * g.h * g.w * g.c, 1));
    const w = toHalves(randomNormal(g.k * g.r * g.s * g.c, 2));
    const dy = toHalves(randomNormal(g.n * g.outH * g.outW * g.k, 4));
    const magnitude = ({ values }: typeof x) => values.map(Math.abs);
    if (product === "forward") {
      const bias = randomNormal(g.k, 3);
      const add = (sums: Float64Array, b: Float32Array) => sums.map((value, i) => value + b[i % g.k]!);
      const y = add(conv2dForwardReference(g, x.values, w.values), bias);
      const all = add(conv2dForwardReference(g, magnitude(x), magnitude(w)), bias.map(Math.abs));
      const result = await runPlan(gpu(), plan, { x: x.bits, w: w.bits, bias });
      expectWithin(halvesOf(result["y"]!, y.length), y, sumBounds(g.r * g.s * g.c, all, y));
    } else if (product === "gradInput") {
      const dx = conv2dGradInputReference(g, dy.values, w.values);
      const all = conv2dGradInputReference(g, magnitude(dy), magnitude(w));
      const result = await runPlan(gpu(), plan, { dy: dy.bits, w: w.bits });
      expectWithin(halvesOf(result["dx"]!, dx.length), dx, sumBounds(g.r * g.s * g.k, all, dx));
    } else {
      const dw = conv2dGradWeightReference(g, x.values, dy.values);
      const all = conv2dGradWeightReference(g, magnitude(x), magnitude(dy));
      const result = await runPlan(gpu(), plan, { x: x.bits, dy: dy.bits });
      expectWithin(result["dw"]!, dw, sumBounds(g.n * g.outH * g.outW, all, null));
    }
  }

  const planOf = (product: Conv2dProduct, g: Conv2dGeometry, variant: string): KernelPlan =>
    plans[product](g, variant === "rows" ? { ...gpu().limits, deviceClass: "cpu" } : gpu().limits, {
      dtype,
      variant,
      ...(product === "forward" ? { bias: true } : {}),
    });

  const families = { cooperative, tiled, rows };
  const all = Object.entries(families).flatMap(([variant, cases]) =>
    Object.entries(cases).flatMap(([title, { sizes, products: some }]) =>
      some.map((product) => ({ variant, title, sizes, product })),
    ),
  );

  it.for(all)("$variant, $title: $product agrees with f64", async ({ variant, sizes, product }, { skip }) => {
    if (!gpu().limits.f16) skip("no shader-f16");
    if (variant === "cooperative" && !matrixOf(gpu().limits)) skip("no subgroup matrices");
    const g = conv2dGeometry(sizes);
    await expectProduct(g, product, planOf(product, g, variant));
  });

  it("Dawn finds no fault with what is written for tensor cores, which this device may lack", async ({ skip }) => {
    if (!matrixOf(gpu().limits)) skip("no subgroup matrices");
    const g = conv2dGeometry({ n: 2, h: 28, w: 28, c: 128, k: 64, r: 3, s: 3, stride: 2, padding: 1 });
    const every = [
      ...products.flatMap((product) => candidates[product](g, TENSOR_CORES, { dtype })),
      ...conv2dForwardCandidates(g, TENSOR_CORES, { dtype, epilogue: { kind: "statistics" } }),
      ...conv2dForwardCandidates(g, TENSOR_CORES, {
        dtype,
        epilogue: { kind: "norm", eps: 1e-5, relu: true, residual: true },
      }),
      ...conv2dGradInputCandidates({ ...g, c: 100 }, TENSOR_CORES, { dtype }),
    ];
    for (const { variant, plan } of every) {
      for (const { wgsl } of plan.passes) {
        const { messages } = await gpu().device.createShaderModule({ code: wgsl }).getCompilationInfo();
        expect(messages.map(({ message }) => `${plan.name}, ${variant}: ${message}`)).toEqual([]);
      }
    }
  });

  it("images have the same bits in a small batch and in a large one, and in workgroups that are folded", async ({
    skip,
  }) => {
    if (!matrixOf(gpu().limits)) skip("no subgroup matrices");
    const { sizes } = cooperative["3x3/1, whole vectors"]!;
    const [w, bias] = [toHalves(randomNormal(sizes.k * 9 * sizes.c, 2)), randomNormal(sizes.k, 3)];
    const x = toHalves(randomNormal(3 * 63 * sizes.c, 1));
    const run = async (n: number, most: number) => {
      const limits = { ...gpu().limits, maxWorkgroupsPerDimension: most };
      const g = conv2dGeometry({ ...sizes, n });
      const plan = planConv2dForward(g, limits, { dtype, bias: true, variant: "cooperative" });
      expect(plan.passes[0]!.workgroups[1] > 1).toBe(most < 10);
      const result = await runPlan(gpu(), plan, { x: x.bits.slice(0, n * 63 * sizes.c), w: w.bits, bias });
      return halvesOf(result["y"]!, n * 63 * sizes.k);
    };
    const three = await run(3, 65_535);
    expect(await run(3, 7)).toEqual(three);
    expect(await run(1, 65_535)).toEqual(three.slice(0, 63 * sizes.k));
  });
});
