import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { poolGeometry, type PoolGeometry } from "./geometry.ts";
import { planGlobalAveragePool, planGlobalAveragePoolBackward } from "./globalAveragePool.ts";
import { planMaxPool, planMaxPoolBackward } from "./maxPool.ts";
import { globalAveragePoolReference, maxPoolBackwardReference, maxPoolReference } from "./reference.ts";

const EXACT = { rtol: 0, atol: 0 };
const RESNET = { h: 112, w: 112, c: 64, kernel: 3, stride: 2, padding: 1 };

describe("pool plans", () => {
  it("compile the same WGSL for another batch", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      const texts = (n: number) =>
        [
          planMaxPool(poolGeometry({ n, ...RESNET }), limits),
          planMaxPoolBackward(poolGeometry({ n, ...RESNET }), limits),
          planGlobalAveragePool({ n, h: 7, w: 7, c: 2048 }, limits),
          planGlobalAveragePoolBackward({ n, h: 7, w: 7, c: 2048 }, limits),
        ].flatMap(({ passes }) => passes.map(({ wgsl }) => wgsl));
      expect(texts(3)).toEqual(texts(8));
    }
  });

  it("write what they wrote when this was reviewed", () => {
    const g = poolGeometry({ n: 2, ...RESNET });
    expect(planMaxPool(g, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot("forward, gpu");
    expect(planMaxPoolBackward(g, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot("backward, cpu");
    const all = { n: 2, h: 7, w: 7, c: 2048 };
    expect(planGlobalAveragePool(all, BASELINE_CPU).passes.map(({ wgsl }) => wgsl)).toMatchSnapshot("global, cpu");
    expect(planGlobalAveragePoolBackward(all, BASELINE_GPU).passes.map(({ wgsl }) => wgsl)).toMatchSnapshot(
      "global backward, gpu",
    );
  });

  it("count comparisons as operations and a byte a maximum's place", () => {
    const [x, y] = [2 * 112 * 112 * 64 * 4, 2 * 56 * 56 * 64 * 4];
    expect(planMaxPool(poolGeometry({ n: 2, ...RESNET }), BASELINE_GPU)).toMatchObject({
      name: "maxPool 3x3/2 [2,112,112,64]",
      operands: { x, y, taps: y / 4 },
      flop: 2 * y,
      bytes: x + y + y / 4,
    });
    expect(planMaxPool(poolGeometry({ n: 2, ...RESNET }), BASELINE_GPU, { taps: false }).operands).toEqual({ x, y });
    expect(planGlobalAveragePool({ n: 2, h: 7, w: 7, c: 8 }, BASELINE_GPU)).toMatchObject({ flop: 784, bytes: 3200 });
  });

  it("say what they can't pool", () => {
    expect(() => poolGeometry({ n: 1, h: 2, w: 9, c: 4, kernel: 3 })).toThrow(
      "pool: the kernel is larger than the padded image (x [1,2,9,4], kernel 3, stride 3, padding 0)",
    );
    expect(() => poolGeometry({ n: 1, h: 9, w: 9, c: 4, kernel: 3, padding: 2 })).toThrow(
      "pool: the padding must be from 0 to half the kernel (x [1,9,9,4], kernel 3, stride 3, padding 2)",
    );
    expect(() => poolGeometry({ n: 1, h: 99, w: 99, c: 4, kernel: 16 })).toThrow(
      "pool: the kernel must be 15 at the most",
    );
  });
});

describeGpu("pool kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];
  /** Forward and backward on both classes against the reference, exactly: a maximum rounds nothing. */
  async function check(g: PoolGeometry, x: Float32Array<ArrayBuffer>): Promise<void> {
    const { y, indices } = maxPoolReference(g, x);
    const dy = randomNormal(y.length, 2).map((v) => Math.round(v * 64) / 64); // sums of these are exact
    const dx = maxPoolBackwardReference(x.length, indices, dy);
    for (const limits of classes()) {
      const forward = await runPlan(gpu(), planMaxPool(g, limits), { x });
      expectClose(forward["y"]!, y, EXACT);
      const taps = new Uint32Array(forward["taps"]!.buffer);
      expectClose((await runPlan(gpu(), planMaxPoolBackward(g, limits), { dy, taps })).dx!, dx, EXACT);
      expectClose((await runPlan(gpu(), planMaxPool(g, limits, { taps: false }), { x })).y!, y, EXACT);
    }
  }

  it.each([
    { n: 2, h: 14, w: 14, c: 64, kernel: 3, stride: 2, padding: 1 },
    { n: 3, h: 17, w: 13, c: 20, kernel: 3, stride: 2, padding: 1 },
    { n: 1, h: 1, w: 1, c: 4, kernel: 3, stride: 2, padding: 1 },
    { n: 1, h: 2, w: 9, c: 3, kernel: 2, stride: 2 },
    { n: 2, h: 9, w: 7, c: 1, kernel: 3, stride: 1, padding: 1 },
    { n: 1, h: 11, w: 12, c: 8, kernel: 2, stride: 3, padding: 1 },
    { n: 1, h: 20, w: 21, c: 4, kernel: 5, stride: 2, padding: 2 },
  ])("max pool and its gradient are exact: $n x $h x $w x $c, $kernel x $kernel / $stride", async (sizes) => {
    const g = poolGeometry(sizes);
    await check(g, randomNormal(g.n * g.h * g.w * g.c, 1));
  });

  it("the first of equal maxima gets the gradient, as in torch", async () => {
    const g = poolGeometry({ n: 2, h: 12, w: 12, c: 8, kernel: 3, stride: 2, padding: 1 });
    await check(g, new Float32Array(g.n * g.h * g.w * g.c)); // what a relu leaves
    await check(
      g,
      randomNormal(g.n * g.h * g.w * g.c, 3).map((v) => Math.round(v)),
    );
    await check(g, new Float32Array(g.n * g.h * g.w * g.c).fill(-Infinity));
  });

  it("a NaN is the maximum of its windows, and the last of several gets the gradient, as in torch", async () => {
    for (const c of [4, 3]) {
      const g = poolGeometry({ n: 1, h: 8, w: 8, c, kernel: 3, stride: 2, padding: 1 });
      const x = randomNormal(g.h * g.w * c, 4);
      for (const at of [0, 17, 18, 19, 40, 100]) x[at] = NaN;
      await check(g, x);
    }
  });

  it.each([
    { n: 1, h: 1, w: 1, c: 1 },
    { n: 3, h: 7, w: 7, c: 64 },
    { n: 2, h: 5, w: 9, c: 33 },
    { n: 17, h: 2, w: 2, c: 260 },
  ])("the global average of $n x $h x $w x $c and its gradient agree with f64", async (g) => {
    const pixels = g.h * g.w;
    const x = randomNormal(g.n * pixels * g.c, 5);
    const dy = randomNormal(g.n * g.c, 6);
    const expected = globalAveragePoolReference(x, g.n, pixels, g.c);
    const dx = x.map((_, i) => dy[Math.floor(i / (pixels * g.c)) * g.c + (i % g.c)]! / pixels);
    for (const limits of classes()) {
      expectClose((await runPlan(gpu(), planGlobalAveragePool(g, limits), { x })).y!, expected, {
        rtol: 1e-6,
        atol: 2e-7,
      });
      expectClose((await runPlan(gpu(), planGlobalAveragePoolBackward(g, limits), { dy })).dx!, dx, {
        rtol: 2e-7,
        atol: 0,
      });
    }
  });
});
