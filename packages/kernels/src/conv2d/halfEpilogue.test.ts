import { expect, it } from "vitest";
import type { KernelPlan } from "../plan.ts";
import { matrixOf } from "../product/matrices.ts";
import {
  describeGpu,
  expectWithin,
  halvesOf,
  matrixSize,
  randomNormal,
  runPlan,
  sumBounds,
  TENSOR_CORES,
  toHalves,
} from "../testing/index.ts";
import { planConv2dForward, planConv2dGradInput } from "./conv2d.ts";
import { conv2dGeometry, type Conv2dGeometry, type Conv2dSizes } from "./geometry.ts";
import { conv2dForwardReference, conv2dGradInputReference } from "./reference.ts";

const dtype = "f16";
/** What an addition of f32 loses at most. */
const UNIT = 2 ** -23;
const eps = 1e-5;

/** Whole vectors of 16 bytes, and single elements; more than one tile either way. */
const whole: Conv2dSizes = { n: 2, h: 9, w: 7, c: 8, k: 40, r: 3, s: 3, padding: 1 };
const odd: Conv2dSizes = { n: 1, h: 6, w: 5, c: 17, k: 5, r: 1, s: 1 };

function rowsOfMoments({ made }: KernelPlan): number {
  if (made?.kernel !== "conv2d.forward" || made.epilogueRows === null) throw new Error("no epilogue");
  return made.epilogueRows;
}

it("every tile on subgroup matrices takes an epilogue, and says of how many rows it leaves the moments", () => {
  const g = conv2dGeometry({ n: 2, h: 28, w: 28, c: 64, k: 128, r: 1, s: 1 });
  const epilogue = { kind: "statistics" } as const;
  const plan = planConv2dForward(g, TENSOR_CORES, { dtype, epilogue, variant: "cooperative 256x64x32/8x1" });
  expect(rowsOfMoments(plan)).toBe(256);
  expect(plan.operands["partials"]).toBe(Math.ceil((2 * 784) / 256) * 2 * 128 * 4);
  expect(plan.passes[0]!.wgsl).toMatchSnapshot("statistics, 16x16x16");
  const small = { ...TENSOR_CORES, matrices: [matrixSize(8)] };
  expect(rowsOfMoments(planConv2dForward(g, small, { dtype, epilogue }))).toBe(16);
});

describeGpu("a convolution in f16 with an epilogue", (gpu) => {
  const devices = (variant: string) =>
    variant === "rows" ? { ...gpu().limits, deviceClass: "cpu" as const } : gpu().limits;
  function skipWithout(variant: string, skip: (why: string) => void): void {
    if (!gpu().limits.f16) skip("no shader-f16");
    if (variant.startsWith("cooperative") && !matrixOf(gpu().limits)) skip("no subgroup matrices");
  }

  function given(sizes: Conv2dSizes) {
    const g = conv2dGeometry(sizes);
    const x = toHalves(randomNormal(g.n * g.h * g.w * g.c, 1));
    const w = toHalves(randomNormal(g.k * g.r * g.s * g.c, 2));
    const sums = conv2dForwardReference(g, x.values, w.values);
    const magnitudes = conv2dForwardReference(g, x.values.map(Math.abs), w.values.map(Math.abs));
    return { g, x, w, sums, magnitudes, terms: g.r * g.s * g.c };
  }

  it.for([
    { variant: "cooperative", title: "whole vectors", sizes: whole },
    { variant: "cooperative", title: "single elements", sizes: odd },
    { variant: "tiled", title: "single elements", sizes: odd },
    { variant: "rows", title: "whole vectors", sizes: whole },
  ])(
    "$variant, $title: normalises, adds the residual and rectifies as f64 does",
    async ({ variant, sizes }, { skip }) => {
      skipWithout(variant, skip);
      const { g, x, w, sums, magnitudes, terms } = given(sizes);
      const residual = toHalves(randomNormal(sums.length, 7));
      const [gamma, beta, runningMean] = [3, 4, 5].map((seed) => randomNormal(g.k, seed)) as [
        Float32Array<ArrayBuffer>,
        Float32Array<ArrayBuffer>,
        Float32Array<ArrayBuffer>,
      ];
      const runningVar = randomNormal(g.k, 6).map((v) => v * v + 0.5);
      const scale = (i: number): number => gamma[i % g.k]! / Math.sqrt(runningVar[i % g.k]! + eps);
      const expected = sums.map((v, i) =>
        Math.max(0, (v - runningMean[i % g.k]!) * scale(i) + beta[i % g.k]! + residual.values[i]!),
      );
      const all = magnitudes.map(
        (v, i) =>
          (v + Math.abs(runningMean[i % g.k]!)) * Math.abs(scale(i)) +
          Math.abs(beta[i % g.k]!) +
          Math.abs(residual.values[i]!),
      );
      const epilogue = { kind: "norm", eps, relu: true, residual: true } as const;
      const plan = planConv2dForward(g, devices(variant), { dtype, variant, epilogue });
      const operands = { x: x.bits, w: w.bits, gamma, beta, runningMean, runningVar, residual: residual.bits };
      const { y } = await runPlan(gpu(), plan, operands);
      // The scale's root and quotient, and the four operations after the sum, count as ten more additions.
      expectWithin(halvesOf(y!, expected.length), expected, sumBounds(terms + 10, all, expected));
    },
  );

  it.for([
    { variant: "cooperative", title: "whole vectors", sizes: whole },
    { variant: "cooperative", title: "single elements", sizes: { ...odd, padding: 3 } },
    { variant: "cooperative 32x32x16/2x2", title: "several matrices a subgroup", sizes: whole },
  ])("$variant, $title: moments of the f32 sums are left by tiles of rows", async ({ variant, sizes }, { skip }) => {
    skipWithout(variant, skip);
    const { g, x, w, sums, magnitudes, terms } = given(sizes);
    const limits = { ...gpu().limits, deviceClass: "gpu" } as const; // which lists every tile
    const plan = planConv2dForward(g, limits, { dtype, variant, epilogue: { kind: "statistics" } });
    const { y, partials } = await runPlan(gpu(), plan, { x: x.bits, w: w.bits });
    expectWithin(halvesOf(y!, sums.length), sums, sumBounds(terms, magnitudes, sums));
    const { expected, bounds } = moments(g, sums, magnitudes, rowsOfMoments(plan), terms);
    expectWithin(partials!, expected, bounds);
  });

  it.for([
    { title: "whole vectors", sizes: whole },
    { title: "single elements", sizes: odd },
  ])("cooperative, $title: the input's gradient is added to what is there", async ({ sizes }, { skip }) => {
    skipWithout("cooperative", skip);
    const { g, w } = given(sizes);
    const dy = toHalves(randomNormal(g.n * g.outH * g.outW * g.k, 8));
    const before = toHalves(randomNormal(g.n * g.h * g.w * g.c, 9));
    const add = (sums: Float64Array, b: Float32Array): Float64Array => sums.map((v, i) => v + b[i]!);
    const expected = add(conv2dGradInputReference(g, dy.values, w.values), before.values);
    const all = add(
      conv2dGradInputReference(g, dy.values.map(Math.abs), w.values.map(Math.abs)),
      before.values.map(Math.abs),
    );
    const plan = planConv2dGradInput(g, gpu().limits, { dtype, variant: "cooperative", accumulate: true });
    const { dx } = await runPlan(gpu(), plan, { dy: dy.bits, w: w.bits, dx: before.bits });
    expectWithin(halvesOf(dx!, expected.length), expected, sumBounds(g.r * g.s * g.k + 1, all, expected));
  });
});

/**
 * Mean and sum of squared deviations of each column's rows in tiles, [tiles, 2, k], and what f32 may be off by: each sum by `error`
 * at most, and so the mean; a square of a deviation d then by 2 |d| error + error^2, and as many roundings of their sum as rows.
 */
function moments(
  g: Conv2dGeometry,
  sums: Float64Array,
  magnitudes: Float64Array,
  tileRows: number,
  terms: number,
): { expected: Float64Array; bounds: Float64Array } {
  const rows = sums.length / g.k;
  const tiles = Math.ceil(rows / tileRows);
  const expected = new Float64Array(tiles * 2 * g.k);
  const bounds = new Float64Array(expected.length);
  for (let at = 0; at < tiles * g.k; at++) {
    const [tile, k] = [Math.floor(at / g.k), at % g.k];
    const count = Math.min(rows, (tile + 1) * tileRows) - tile * tileRows;
    const own = Array.from({ length: count }, (_, r) => (tile * tileRows + r) * g.k + k);
    const mean = own.reduce((sum, i) => sum + sums[i]!, 0) / count;
    const squares = own.reduce((sum, i) => sum + (sums[i]! - mean) ** 2, 0);
    const error = 2 * (terms + count + 8) * UNIT * Math.max(...own.map((i) => magnitudes[i]!));
    const deviations = own.reduce((sum, i) => sum + Math.abs(sums[i]! - mean), 0);
    const to = tile * 2 * g.k + k;
    [expected[to], expected[to + g.k]] = [mean, squares];
    [bounds[to], bounds[to + g.k]] = [
      error,
      2 * error * deviations + count * error ** 2 + (count + 8) * UNIT * squares,
    ];
  }
  return { expected, bounds };
}
