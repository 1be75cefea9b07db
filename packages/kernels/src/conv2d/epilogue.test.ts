import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import type { KernelPlan } from "../plan.ts";
import type { Epilogue } from "../product/epilogue.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { planConv2dForward, planConv2dGradInput } from "./conv2d.ts";
import { conv2dGeometry, type Conv2dSizes } from "./geometry.ts";
import { conv2dForwardReference } from "./reference.ts";

const NORM: Epilogue = { kind: "norm", eps: 1e-5, relu: true, residual: true };
const STATISTICS: Epilogue = { kind: "statistics" };

/** Rows of outputs of a workgroup, which a plan for the epilogue `statistics` says. */
function epilogueRows({ made }: KernelPlan): number {
  if (made?.kernel !== "conv2d.forward" || made.epilogueRows === null) throw new Error("no epilogue");
  return made.epilogueRows;
}

describe("plans of a convolution with an epilogue", () => {
  const sizes = { h: 14, w: 14, c: 64, k: 64, r: 3, s: 3, stride: 2, padding: 1 };
  const g = conv2dGeometry({ n: 2, ...sizes });

  it("name the epilogue's operands, and what they were made from", () => {
    const options = { epilogue: NORM };
    const y = 2 * 7 * 7 * 64 * 4;
    expect(planConv2dForward(g, BASELINE_GPU, options)).toMatchObject({
      operands: { gamma: 256, beta: 256, runningMean: 256, runningVar: 256, residual: y, y },
      made: { kernel: "conv2d.forward", geometry: g, options, epilogueRows: 64 },
    });
    expect(planConv2dForward(g, BASELINE_GPU, { epilogue: STATISTICS }).operands).toMatchObject({
      partials: 2 * 2 * 64 * 4, // 98 rows in tiles of 64
    });
    expect(planConv2dGradInput(g, BASELINE_GPU, { accumulate: true }).operands).toEqual(
      planConv2dGradInput(g, BASELINE_GPU).operands,
    );
  });

  it("bind no more buffers than WebGPU guarantees, and compile nothing new for another batch", () => {
    const other = conv2dGeometry({ n: 3, ...sizes });
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      for (const plan of [
        (of: typeof g) => planConv2dForward(of, limits, { epilogue: NORM }),
        (of: typeof g) => planConv2dForward(of, limits, { epilogue: STATISTICS }),
        (of: typeof g) => planConv2dGradInput(of, limits, { accumulate: true }),
      ]) {
        const { passes } = plan(g);
        expect(plan(other).passes.map(({ wgsl }) => wgsl)).toEqual(passes.map(({ wgsl }) => wgsl));
        for (const { bindings } of passes)
          expect(bindings.length).toBeLessThanOrEqual(BASELINE_GPU.maxStorageBuffersPerStage);
      }
    }
  });

  it("leave out the phases of an accumulating input gradient that no tap reaches", () => {
    const strided = conv2dGeometry({ n: 2, h: 8, w: 8, c: 64, k: 128, r: 1, s: 1, stride: 2 });
    expect(planConv2dGradInput(strided, BASELINE_CPU).passes.length).toBe(4);
    expect(planConv2dGradInput(strided, BASELINE_CPU, { accumulate: true }).passes.length).toBe(1);
  });
});

const cases: Readonly<Record<string, Conv2dSizes>> = {
  "17 channels to 5": { n: 2, h: 6, w: 5, c: 17, k: 5, r: 3, s: 3, padding: 1 },
  "1x1/2": { n: 2, h: 8, w: 9, c: 64, k: 128, r: 1, s: 1, stride: 2 },
  "130 columns of an image that is large enough for the large tile": { n: 1, h: 28, w: 29, c: 8, k: 130, r: 1, s: 1 },
};

/** For the software devices' kernels, which all share a few pipelines; a GPU's would each take seconds to compile there. */
const softwareCases: typeof cases = {
  "one of everything": { n: 1, h: 1, w: 1, c: 1, k: 1, r: 1, s: 1 },
  "3x3/1, 16 to 40": { n: 2, h: 9, w: 7, c: 16, k: 40, r: 3, s: 3, padding: 1 },
  "3x3/2, many pixels": { n: 3, h: 33, w: 31, c: 8, k: 16, r: 3, s: 3, stride: 2, padding: 1 },
};

describeGpu("a convolution with an epilogue", (gpu) => {
  const classes = (title: string): DeviceLimits[] => [
    ...(title in softwareCases ? [] : [{ ...gpu().limits, deviceClass: "gpu" as const }]),
    { ...gpu().limits, deviceClass: "cpu" },
  ];
  const all = Object.entries({ ...cases, ...softwareCases });

  function given(sizes: Conv2dSizes) {
    const g = conv2dGeometry(sizes);
    const x = randomNormal(g.n * g.h * g.w * g.c, 1);
    const w = randomNormal(g.k * g.r * g.s * g.c, 2);
    const outputs = g.n * g.outH * g.outW * g.k;
    return { g, x, w, outputs, inner: g.r * g.s * g.c };
  }

  it.each(all)("%s: normalises, adds the residual and rectifies as f64 does", async (title, sizes) => {
    const { g, x, w, outputs, inner } = given(sizes);
    const operands = {
      x,
      w,
      gamma: randomNormal(g.k, 3),
      beta: randomNormal(g.k, 4),
      runningMean: randomNormal(g.k, 5),
      runningVar: randomNormal(g.k, 6).map((v) => v * v + 0.5),
      residual: randomNormal(outputs, 7),
    };
    const { gamma, beta, runningMean, runningVar, residual } = operands;
    const sums = conv2dForwardReference(g, x, w);
    for (const [relu, added] of [[true, true], ...(title === "1x1/2" ? ([[false, false]] as const) : [])] as const) {
      const expected = sums.map((v, i) => {
        const k = i % g.k;
        const scale = gamma[k]! / Math.sqrt(runningVar[k]! + 1e-5);
        const z = (v - runningMean[k]!) * scale + beta[k]! + (added ? residual[i]! : 0);
        return relu ? Math.max(0, z) : z;
      });
      // The error of a sum of normal products, times the scale, which is below 5.
      const atol = 5e-6 * Math.max(1, Math.sqrt(inner));
      const epilogue: Epilogue = { kind: "norm", eps: 1e-5, relu, residual: added };
      for (const limits of classes(title)) {
        const { y } = await runPlan(gpu(), planConv2dForward(g, limits, { epilogue }), operands);
        expectClose(y!, expected, { rtol: 1e-5, atol });
      }
    }
  });

  it("a NaN goes through the rectifier", async () => {
    const { g, x, w, outputs } = given(cases["1x1/2"]!);
    const ones = new Float32Array(g.k).fill(1);
    const residual = randomNormal(outputs, 7);
    residual[3] = NaN;
    const operands = { x, w, gamma: ones, beta: ones, runningMean: ones, runningVar: ones, residual };
    for (const limits of classes("1x1/2")) {
      const { y } = await runPlan(gpu(), planConv2dForward(g, limits, { epilogue: NORM }), operands);
      expect(y!.findIndex((v) => Number.isNaN(v))).toBe(3);
    }
  });

  it.each(all)("%s: the values stay, and their moments are left by tiles of rows", async (title, sizes) => {
    const { g, x, w, outputs } = given(sizes);
    const rows = outputs / g.k;
    for (const limits of classes(title)) {
      const plan = planConv2dForward(g, limits, { epilogue: STATISTICS });
      const { y, partials } = await runPlan(gpu(), plan, { x, w });
      const plain = await runPlan(gpu(), planConv2dForward(g, limits), { x, w });
      expect(Buffer.compare(Buffer.from(y!.buffer), Buffer.from(plain["y"]!.buffer))).toBe(0);
      const tileRows = epilogueRows(plan);
      const expected = new Float64Array(partials!.length);
      for (let tile = 0; tile * tileRows < rows; tile++) {
        for (let k = 0; k < g.k; k++) {
          const values = [];
          for (let r = tile * tileRows; r < Math.min(rows, (tile + 1) * tileRows); r++) values.push(y![r * g.k + k]!);
          const mean = values.reduce((a, b) => a + b) / values.length;
          expected[tile * 2 * g.k + k] = mean;
          expected[tile * 2 * g.k + g.k + k] = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
        }
      }
      const size = Math.max(...y!.map(Math.abs));
      expectClose(partials!, expected, { rtol: 1e-5, atol: 1e-6 * size * size });
    }
  });

  it.each(all)("%s: the input's gradient is added to what is there", async (title, sizes) => {
    const { g, w, outputs } = given(sizes);
    const dy = randomNormal(outputs, 8);
    const before = randomNormal(g.n * g.h * g.w * g.c, 9);
    for (const limits of classes(title)) {
      const { dx } = await runPlan(gpu(), planConv2dGradInput(g, limits), { dy, w });
      const sum = await runPlan(gpu(), planConv2dGradInput(g, limits, { accumulate: true }), { dy, w, dx: before });
      const expected = dx!.map((v, i) => v + before[i]!);
      expect(Buffer.compare(Buffer.from(sum["dx"]!.buffer), Buffer.from(expected.buffer))).toBe(0);
    }
  });
});
