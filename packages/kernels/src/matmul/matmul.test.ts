import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { planMatmul } from "./matmul.ts";
import { matmulReference } from "./reference.ts";

const orientations = [
  { transposeA: false, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: false },
  { transposeA: true, transposeB: true },
];

describe("matmul plans", () => {
  it("compile the same WGSL for another batch, whichever side it is on", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      for (const orientation of orientations) {
        const texts = (m: number, k: number) =>
          planMatmul({ m, n: 1000, k, ...orientation }, limits).passes.map(({ wgsl }) => wgsl);
        // The passes that lay the sides out may be needed for one size and not for another.
        const known = new Set([...texts(3, 2048), ...texts(65, 2049)]);
        for (const [m, k] of [
          [3, 2048],
          [8, 2048],
          [2048, 3],
          [2048, 8],
        ] as const) {
          expect(texts(m, k).at(-1)).toBe(texts(65, 2049).at(-1));
          for (const text of texts(m, k)) expect(known).toContain(text);
        }
      }
    }
  });

  it("cost 2mnk and each operand once", () => {
    expect(planMatmul({ m: 2, n: 3, k: 4, bias: true }, BASELINE_GPU)).toMatchObject({
      operands: { a: 32, b: 48, bias: 12, y: 24 },
      flop: 54,
      bytes: 116,
    });
  });

  it("name the sizes that aren't positive integers", () => {
    expect(() => planMatmul({ m: 0, n: 3, k: 4 }, BASELINE_GPU)).toThrow(
      "matmul: m must be a positive integer (m 0, n 3, k 4)",
    );
  });

  it("write what they wrote when this was reviewed", () => {
    const texts = (limits: DeviceLimits) =>
      planMatmul({ m: 100, n: 1000, k: 2047, transposeB: true, bias: true }, limits).passes.map(({ wgsl }) => wgsl);
    expect(texts(BASELINE_GPU)).toMatchSnapshot("gpu");
    expect(texts(BASELINE_CPU)).toMatchSnapshot("cpu: left side laid out, right side packed, product");
  });
});

const sizes: readonly (readonly [m: number, n: number, k: number])[] = [
  [1, 1, 1],
  [1, 17, 1],
  [17, 1, 17],
  [8, 2, 2048],
  [5, 1000, 33],
  [64, 64, 64],
  [65, 65, 65],
  [63, 129, 31],
  [33, 40, 100],
  [2, 2048, 8],
];

describeGpu("matmul kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  it.each(orientations)(
    "rows have the same bits, whether many or few are multiplied: $transposeA, $transposeB",
    async (o) => {
      // Up to 256 rows a software device reads B where it is, past them from a packed copy.
      const [few, many, n, k] = [256, 257, 19, 24];
      const rows = randomNormal(many * k, 1);
      const b = randomNormal(k * n, 2);
      const stored = (m: number): Float32Array<ArrayBuffer> =>
        o.transposeA
          ? Float32Array.from({ length: m * k }, (_, i) => rows[(i % m) * k + Math.floor(i / m)]!)
          : rows.slice(0, m * k);
      for (const limits of classes()) {
        const [y, more] = [
          (await runPlan(gpu(), planMatmul({ m: few, n, k, ...o }, limits), { a: stored(few), b })).y!,
          (await runPlan(gpu(), planMatmul({ m: many, n, k, ...o }, limits), { a: stored(many), b })).y!,
        ];
        expect(more.subarray(0, few * n)).toEqual(y);
      }
    },
  );

  it("more workgroups than a dimension holds are folded into a second one, and none is lost", async () => {
    const [m, n, k] = [200, 150, 3];
    const [a, b] = [randomNormal(m * k, 1), randomNormal(k * n, 2)];
    for (const limits of classes()) {
      const most = Math.max(...planMatmul({ m, n, k }, limits).passes.map(({ workgroups }) => workgroups[0]));
      const plan = planMatmul({ m, n, k }, { ...limits, maxWorkgroupsPerDimension: most - 1 });
      expect(plan.passes.some(({ workgroups }) => workgroups[1] > 1)).toBe(true);
      expectClose((await runPlan(gpu(), plan, { a, b })).y!, matmulReference({ m, n, k }, a, b), {
        rtol: 1e-5,
        atol: 1e-5,
      });
    }
  });

  it.each(sizes)("[%i, %i] over %i agrees with f64 in every orientation, with and without bias", async (m, n, k) => {
    const a = randomNormal(m * k, 1);
    const b = randomNormal(k * n, 2);
    const bias = randomNormal(n, 3);
    for (const limits of classes()) {
      for (const orientation of orientations) {
        for (const withBias of [false, true]) {
          const { y } = await runPlan(gpu(), planMatmul({ m, n, k, ...orientation, bias: withBias }, limits), {
            a,
            b,
            ...(withBias ? { bias } : {}),
          });
          expectClose(y!, matmulReference({ m, n, k, ...orientation }, a, b, withBias ? bias : undefined), {
            rtol: 1e-5,
            atol: 1e-6 * Math.max(1, Math.sqrt(k)),
          });
        }
      }
    }
  });
});
