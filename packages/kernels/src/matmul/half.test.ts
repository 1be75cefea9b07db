import { describe, expect, it } from "vitest";
import { DeviceLimitError } from "../errors.ts";
import { BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import type { KernelPass, KernelPlan } from "../plan.ts";
import { cooperativeGemmPass } from "../product/cooperative.ts";
import { COOPERATIVE_TILES, matrixOf, type CooperativeTile } from "../product/matrices.ts";
import {
  describeGpu,
  expectWithin,
  halvesOf,
  matrixSize,
  randomNormal,
  runPlan,
  SMALL_MATRICES,
  sumBounds,
  TENSOR_CORES,
  toHalves,
} from "../testing/index.ts";
import { matmulGemm } from "./gemm.ts";
import { matmulCandidates, matmulKey, planMatmul, type MatmulGeometry, type MatmulOptions } from "./matmul.ts";
import { matmulReference } from "./reference.ts";

const dtype = "f16";
const textOf = (plan: KernelPlan): string => plan.passes.at(-1)!.wgsl;

describe("the choice of a matrix unit", () => {
  it("takes the largest size of f16 with f32 sums", () => {
    expect(matrixOf(TENSOR_CORES)).toEqual({ M: 16, N: 16, K: 16, lanes: 32 });
    expect(matrixOf(SMALL_MATRICES)).toEqual({ M: 8, N: 8, K: 8, lanes: 8 });
  });

  it("takes none where a workgroup can't be divided beforehand, or 16 bytes don't divide a matrix", () => {
    expect(matrixOf({ ...TENSOR_CORES, f16: false })).toBeNull();
    expect(matrixOf({ ...TENSOR_CORES, subgroups: null })).toBeNull();
    expect(matrixOf({ ...TENSOR_CORES, subgroups: { min: 8, max: 32 } })).toBeNull();
    expect(matrixOf({ ...TENSOR_CORES, matrices: [matrixSize(4), { ...matrixSize(16), K: 4 }] })).toBeNull();
  });
});

describe("matmul plans in f16", () => {
  it("refuse a device without f16, and name a variant that it lacks", () => {
    const plan = () => planMatmul({ m: 2, n: 3, k: 4 }, BASELINE_GPU, { dtype });
    expect(plan).toThrow(DeviceLimitError);
    expect(plan).toThrow("matmul f16 AB [2,4]x[4,3] in f16 needs shader-f16 1, the device has 0");
    expect(() => planMatmul({ m: 2, n: 3, k: 4 }, BASELINE_GPU, { variant: "cooperative" })).toThrow(
      'matmul f32 AB 4,3: this device has no such variant (wanted "cooperative", known ["tiled64","tiled128"])',
    );
  });

  it("refuse an operand that can't be bound", () => {
    expect(() => planMatmul({ m: 9000, n: 8, k: 8192 }, TENSOR_CORES, { dtype })).toThrow(
      "matmul f16 AB [9000,8192]x[8192,8]: a needs maxStorageBindingBytes 147456000, the device has 134217728",
    );
  });

  it("count two bytes an element, in whole words, and four of bias and of a result in f32", () => {
    expect(planMatmul({ m: 1, n: 3, k: 5, bias: true }, TENSOR_CORES, { dtype, out: "f32" })).toMatchObject({
      operands: { a: 12, b: 32, bias: 12, y: 12 },
      flop: 33,
      bytes: 68,
    });
    expect(planMatmul({ m: 1, n: 3, k: 5 }, TENSOR_CORES, { dtype }).operands["y"]).toBe(8);
  });

  it("take subgroup matrices where the device has them, else tiles, and every tile fits its workgroups", () => {
    const names = (limits: DeviceLimits) =>
      matmulCandidates({ m: 64, n: 4096, k: 4096 }, limits, { dtype }).map(({ variant }) => variant);
    expect(names(TENSOR_CORES)).toEqual([
      "cooperative 128x128x32/4x2",
      "cooperative 256x128x32/4x2",
      "cooperative 256x64x32/8x1",
      "cooperative 64x64x32/2x2",
      "cooperative 128x128x32/2x2",
      "cooperative 32x64x16/2x2",
      "cooperative 128x128x64/4x2",
      "cooperative 128x128x32/4x2, no prefetch",
      "tiled64",
      "tiled128",
    ]);
    expect(names({ ...TENSOR_CORES, matrices: [] })).toEqual(["tiled64", "tiled128"]);
    const little = names({ ...TENSOR_CORES, maxWorkgroupStorageBytes: 16_384 });
    expect(little).toEqual(["cooperative 64x64x32/2x2", "cooperative 32x64x16/2x2", "tiled64", "tiled128"]);
    expect(names({ ...TENSOR_CORES, maxInvocationsPerWorkgroup: 128 })[0]).toBe("cooperative 64x64x32/2x2");
  });

  it("follow the choice that a device was tuned to, and their own rule where it does not apply", () => {
    const geometry = { m: 64, n: 4096, k: 2048 };
    const choose = (variant: string) =>
      planMatmul(geometry, { ...TENSOR_CORES, choices: { [matmulKey(geometry, { dtype })]: variant } }, { dtype });
    expect(matmulKey(geometry, { dtype })).toBe("matmul f16 AB 2048,4096");
    expect(matmulKey({ ...geometry, m: 8 }, { dtype })).toBe(matmulKey(geometry, { dtype }));
    expect(textOf(choose("tiled128"))).toBe(textOf(planMatmul(geometry, TENSOR_CORES, { dtype, variant: "tiled128" })));
    expect(textOf(choose("no longer there"))).toBe(textOf(planMatmul(geometry, TENSOR_CORES, { dtype })));
  });

  it("compile the same WGSL for another batch, which is a number of rows in memory", () => {
    for (const limits of [TENSOR_CORES, SMALL_MATRICES]) {
      const text = (g: MatmulGeometry) => textOf(planMatmul(g, limits, { dtype }));
      expect(text({ m: 3, n: 1000, k: 2048, transposeB: true })).toBe(
        text({ m: 128, n: 1000, k: 2048, transposeB: true }),
      );
      expect(text({ m: 1000, n: 2048, k: 3, transposeA: true })).toBe(
        text({ m: 1000, n: 2048, k: 128, transposeA: true }),
      );
    }
  });

  it("write what they wrote when this was reviewed", () => {
    const geometry = { m: 100, n: 1000, k: 2048, transposeB: true, bias: true };
    const text = (limits: DeviceLimits, options: MatmulOptions = {}) =>
      textOf(planMatmul(geometry, limits, { dtype, ...options }));
    expect(text(TENSOR_CORES, { variant: "cooperative 64x64x32/2x2" })).toMatchSnapshot("16x16x16, subgroups of 32");
    expect(text(SMALL_MATRICES, { variant: "cooperative" })).toMatchSnapshot("8x8x8, subgroups of 8");
    expect(text(TENSOR_CORES, { variant: "tiled", out: "f32" })).toMatchSnapshot("tiled, f16 to f32");
  });
});

interface Case {
  /** Orientation, result and bias. */
  readonly geometry: Omit<MatmulGeometry, "m" | "n" | "k">;
  readonly out: "f32" | "f16";
  /** The multiples that m, n and k must be of, for the WGSL to be one and the same. */
  readonly sizes: readonly (readonly [m: number, n: number, k: number])[];
}

/** Each side along k and across, in 16 bytes and in single elements; the result likewise, of either type. The small tile is 16x32x8. */
const cases: Readonly<Record<string, Case>> = {
  "A B, whole vectors, to f16 with bias": {
    geometry: { bias: true },
    out: "f16",
    sizes: [
      [1, 8, 8],
      [16, 32, 8],
      [17, 40, 16],
      [15, 24, 72],
    ],
  },
  "A Bᵀ, odd sizes, to f32": {
    geometry: { transposeB: true },
    out: "f32",
    sizes: [
      [1, 1, 1],
      [17, 33, 9],
      [15, 31, 7],
      [2, 35, 260],
    ],
  },
  "Aᵀ B, vectors of A and single elements of B, to f16": {
    geometry: { transposeA: true },
    out: "f16",
    sizes: [
      [8, 1, 1],
      [24, 33, 17],
      [16, 31, 100],
    ],
  },
  "Aᵀ Bᵀ, single elements of A and vectors of B, to f32 with bias": {
    geometry: { transposeA: true, transposeB: true, bias: true },
    out: "f32",
    sizes: [
      [1, 8, 8],
      [17, 40, 24],
      [31, 32, 8],
    ],
  },
};

describeGpu("matmul kernels in f16", (gpu) => {
  async function expectProduct(
    geometry: MatmulGeometry,
    out: "f32" | "f16",
    plan: (limits: DeviceLimits) => KernelPlan,
    limits: DeviceLimits = gpu().limits,
  ): Promise<void> {
    const { m, n, k } = geometry;
    const [a, b] = [toHalves(randomNormal(m * k, 1)), toHalves(randomNormal(k * n, 2))];
    const bias = geometry.bias ? randomNormal(n, 3) : undefined;
    const { y } = await runPlan(gpu(), plan(limits), { a: a.bits, b: b.bits, ...(bias ? { bias } : {}) });
    const expected = matmulReference(geometry, a.values, b.values, bias);
    const magnitudes = matmulReference(geometry, a.values.map(Math.abs), b.values.map(Math.abs), bias?.map(Math.abs));
    const half = out === "f16" ? expected : null;
    expectWithin(half ? halvesOf(y!, m * n) : y!, expected, sumBounds(k, magnitudes, half));
  }

  const skipWithout = (variant: string, skip: (why: string) => void): void => {
    if (!gpu().limits.f16) skip("no shader-f16");
    if (variant.startsWith("cooperative") && !matrixOf(gpu().limits)) skip("no subgroup matrices");
  };

  for (const variant of ["cooperative", "tiled", "rows"]) {
    it.for(Object.entries(cases))(
      `${variant}, %s: agrees with f64`,
      async ([_, { geometry, out, sizes }], { skip }) => {
        skipWithout(variant, skip);
        for (const [m, n, k] of sizes) {
          const whole = { ...geometry, m, n, k };
          await expectProduct(whole, out, (limits) =>
            planMatmul(whole, deviceOf(variant, limits), { dtype, out, variant }),
          );
        }
      },
    );
  }

  it("several matrices a subgroup down, across and deep agree with f64", async ({ skip }) => {
    skipWithout("cooperative", skip);
    const geometry = { m: 65, n: 72, k: 40 };
    await expectProduct(geometry, "f32", (limits) => {
      const unit = matrixOf(limits)!;
      return planOf(geometry, (gemm) => cooperativeGemmPass(gemm, unit, COOPERATIVE_TILES.small, limits), limits);
    });
  });

  it("any shape of a workgroup, without prefetch and without skew, agrees with f64", async ({ skip }) => {
    skipWithout("cooperative", skip);
    // A tile of A is less than a chunk an invocation, one of B more than two.
    const tile: CooperativeTile = { subgroups: [1, 3], matrices: [1, 1], steps: 2, skew: 0, prefetch: false };
    const geometry = { m: 17, n: 56, k: 24 };
    await expectProduct(geometry, "f32", (limits) => {
      const unit = matrixOf(limits)!;
      return planOf(geometry, (gemm) => cooperativeGemmPass(gemm, unit, tile, limits), limits);
    });
  });

  it("more workgroups than a dimension holds are folded into a second one; rows have the same bits in any batch", async ({
    skip,
  }) => {
    skipWithout("cooperative", skip);
    const [m, n, k] = [40, 40, 16];
    const [a, b, bias] = [toHalves(randomNormal(m * k, 1)), toHalves(randomNormal(k * n, 2)), randomNormal(n, 3)];
    const run = async (rows: number, most: number) => {
      const limits = { ...gpu().limits, maxWorkgroupsPerDimension: most };
      const plan = planMatmul({ m: rows, n, k, bias: true }, limits, { dtype, variant: "cooperative" });
      const { y } = await runPlan(gpu(), plan, { a: a.bits.slice(0, rows * k), b: b.bits, bias });
      return { values: halvesOf(y!, rows * n), workgroups: plan.passes[0]!.workgroups };
    };
    const all = await run(m, 65_535);
    const folded = await run(m, 4);
    expect([all.workgroups, folded.workgroups]).toEqual([
      [6, 1, 1],
      [3, 2, 1],
    ]);
    expect(folded.values).toEqual(all.values);
    expect((await run(3, 65_535)).values).toEqual(all.values.slice(0, 3 * n));
  });

  it("what is too large for f16 becomes infinite, for the loss scale to see", async ({ skip }) => {
    skipWithout("cooperative", skip);
    const [a, b, bias] = [toHalves(Array(8).fill(300)), toHalves(Array(64).fill(-30)), new Float32Array(8)];
    for (const variant of ["cooperative", "tiled", "rows"]) {
      const plan = planMatmul({ m: 1, n: 8, k: 8, bias: true }, deviceOf(variant, gpu().limits), { dtype, variant });
      const { y } = await runPlan(gpu(), plan, { a: a.bits, b: b.bits, bias });
      expect([...halvesOf(y!, 8)]).toEqual(Array(8).fill(-Infinity));
    }
  });
});

/** Rows are a software device's: a GPU is taken for one. */
const deviceOf = (variant: string, limits: DeviceLimits): DeviceLimits =>
  variant === "rows" ? { ...limits, deviceClass: "cpu" } : limits;

/** A plan of one pass, written by a generator that no rule would call so. */
function planOf(
  geometry: MatmulGeometry,
  pass: (gemm: ReturnType<typeof matmulGemm>) => KernelPass,
  limits: DeviceLimits,
): KernelPlan {
  const like = planMatmul(geometry, limits, { dtype, out: "f32" });
  return { ...like, workspace: {}, passes: [pass(matmulGemm("test", geometry, dtype, "f32"))] };
}
