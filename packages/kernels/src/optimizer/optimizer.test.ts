import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DeviceLimitError } from "../errors.ts";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { planNonFinite } from "./nonFinite.ts";
import { planAdam, planSgd } from "./optimizer.ts";
import { adamReference, sgdReference } from "./reference.ts";
import { adamScalars, sgdScalars, type AdamOptions, type SgdOptions } from "./scalars.ts";

const TORCH = JSON.parse(readFileSync(new URL("torch.json", import.meta.url), "utf8")) as {
  readonly start: number[];
  readonly grads: number[][];
  readonly results: Record<string, number[][]>;
};
const ADAM: Record<string, AdamOptions> = {
  adam: { lr: 1e-2 },
  "adam, weight decay": { lr: 3e-3, weightDecay: 0.1 },
  "adam, betas and eps": { lr: 1e-2, betas: [0.8, 0.95], eps: 1e-3 },
  adamw: { lr: 1e-2, weightDecay: 0.1, decoupled: true },
};
const SGD: Record<string, SgdOptions & { nesterov?: boolean }> = {
  sgd: { lr: 0.1 },
  "sgd, weight decay": { lr: 0.1, weightDecay: 0.05 },
  "sgd, momentum": { lr: 0.05, momentum: 0.9, weightDecay: 1e-2 },
  "sgd, nesterov": { lr: 0.05, momentum: 0.9, weightDecay: 1e-2, nesterov: true },
};

describe("optimizer plans", () => {
  it("write what they wrote when this was reviewed", () => {
    const segments = [
      { end: 8, group: 0 },
      { end: 13, group: 1 },
    ];
    expect(planAdam({ count: 13, segments }, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot("adam in two groups, gpu");
    expect(planAdam({ count: 13 }, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot("adam, cpu");
    expect(planSgd({ count: 13, momentum: true, nesterov: true }, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot(
      "nesterov, gpu",
    );
  });

  it("update a whole ResNet-50 in one dispatch, and refuse what a binding can't hold", () => {
    const plan = planAdam({ count: 25_557_032 }, BASELINE_GPU);
    expect(plan.passes).toHaveLength(1);
    expect(plan).toMatchObject({ bytes: 25_557_032 * 28 + 48, flop: 16 * 25_557_032 });
    expect(() => planAdam({ count: 60_192_808 }, BASELINE_GPU)).toThrow(DeviceLimitError);
  });

  it("merge neighbouring segments of one group", () => {
    const segments = [4, 8, 12].map((end) => ({ end, group: 0 }));
    expect(planAdam({ count: 12, segments }, BASELINE_GPU).passes[0]!.wgsl).toBe(
      planAdam({ count: 9 }, BASELINE_GPU).passes[0]!.wgsl,
    );
  });

  it("say what is wrong with segments, steps and betas", () => {
    expect(() =>
      planAdam(
        {
          count: 12,
          segments: [
            { end: 6, group: 0 },
            { end: 12, group: 1 },
          ],
        },
        BASELINE_GPU,
      ),
    ).toThrow(
      "adam: segments must follow each other and end at multiples of 4 within count (start 0, end 6, count 12)",
    );
    expect(() => planAdam({ count: 12, segments: [{ end: 8, group: 0 }] }, BASELINE_GPU)).toThrow(
      "adam: the last segment must end at count (end 8, count 12)",
    );
    expect(() => adamScalars({ lr: 1 }, 0)).toThrow("adam: step counts from 1 (step 0)");
    expect(() => adamScalars({ lr: 1, betas: [1, 0.9] }, 1)).toThrow(
      "adam: betas must be from 0 up to 1 (betas [1,0.9])",
    );
  });
});

describeGpu("optimizer kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];
  const zeros = (count: number) => new Float32Array(count);

  it.each(Object.keys(ADAM))("ten steps of %s are torch's", async (setting) => {
    const count = TORCH.start.length;
    for (const limits of classes()) {
      let state: Record<string, Float32Array<ArrayBuffer>> = {
        params: Float32Array.from(TORCH.start),
        m: zeros(count),
        v: zeros(count),
      };
      for (const [index, grads] of TORCH.grads.entries()) {
        const scalars = adamScalars(ADAM[setting]!, index + 1);
        state = await runPlan(gpu(), planAdam({ count }, limits), {
          ...state,
          grads: Float32Array.from(grads),
          scalars,
        });
        expectClose(state["params"]!, TORCH.results[setting]![index]!, { rtol: 1e-6, atol: 1e-7 });
      }
    }
  });

  it.each(Object.keys(SGD))("ten steps of %s are torch's", async (setting) => {
    const count = TORCH.start.length;
    const { nesterov = false, ...options } = SGD[setting]!;
    const momentum = options.momentum !== undefined;
    for (const limits of classes()) {
      let state: Record<string, Float32Array<ArrayBuffer>> = {
        params: Float32Array.from(TORCH.start),
        ...(momentum ? { m: zeros(count) } : {}),
      };
      for (const [index, grads] of TORCH.grads.entries()) {
        const plan = planSgd({ count, momentum, nesterov }, limits);
        state = await runPlan(gpu(), plan, { ...state, grads: Float32Array.from(grads), scalars: sgdScalars(options) });
        expectClose(state["params"]!, TORCH.results[setting]![index]!, { rtol: 1e-6, atol: 2e-7 });
      }
    }
  });

  it.each([1, 17, 255, 256, 1025])(
    "each of %i parameters takes its own group's learning rate and weight decay",
    async (count) => {
      const third = Math.floor(count / 12) * 4;
      const segments = [
        { end: third, group: 1 },
        { end: 2 * third, group: 0 },
        { end: count, group: 2 },
      ].filter(({ end }) => end > 0);
      const groups: AdamOptions[] = [
        { lr: 1e-2 },
        { lr: 1e-3, weightDecay: 0.1 },
        { lr: 1e-1, weightDecay: 0.1, decoupled: true },
      ];
      const groupAt = (i: number): number => segments.find(({ end }) => i < end)!.group;
      const start = randomNormal(count, 1);
      const scalars = Float32Array.from(groups.flatMap((options) => [...adamScalars(options, 3)]));
      const grads = randomNormal(count, 2);
      const m = randomNormal(count, 3);
      const v = randomNormal(count, 4).map(Math.abs);
      const expected = Array.from(start, (p, i) => {
        const one = { p: [p], m: [m[i]!], v: [v[i]!] };
        adamReference(one.p, [grads[i]!], one.m, one.v, groups[groupAt(i)]!, 3);
        return { params: one.p[0]!, m: one.m[0]!, v: one.v[0]! };
      });
      for (const limits of classes()) {
        const result = await runPlan(gpu(), planAdam({ count, segments }, limits), {
          params: start,
          grads,
          m,
          v,
          scalars,
        });
        for (const name of ["params", "m", "v"] as const) {
          expectClose(
            result[name]!,
            expected.map((element) => element[name]),
            { rtol: 2e-6, atol: 3e-7 },
          );
        }
      }
    },
  );

  it.each([1, 17, 1025])("SGD over %i parameters agrees with f64", async (count) => {
    const grads = randomNormal(count, 2);
    const options = { lr: 0.1, momentum: 0.9, weightDecay: 0.01 };
    const [params, m] = [randomNormal(count, 1), randomNormal(count, 3)];
    const [expected, moments] = [Array.from(params), Array.from(m)];
    sgdReference(expected, grads, moments, options);
    for (const limits of classes()) {
      const result = await runPlan(gpu(), planSgd({ count, momentum: true }, limits), {
        params,
        grads,
        m,
        scalars: sgdScalars(options),
      });
      expectClose(result["params"]!, expected, { rtol: 1e-6, atol: 2e-7 });
      expectClose(result["m"]!, moments, { rtol: 1e-6, atol: 2e-7 });
    }
  });

  it("a gradient scale divides a loss scale out exactly", async () => {
    const [params, grads] = [randomNormal(64, 1), randomNormal(64, 2)];
    for (const limits of classes()) {
      const step = (scale: number) =>
        runPlan(gpu(), planAdam({ count: 64 }, limits), {
          params,
          grads: grads.map((g) => g * scale),
          m: zeros(64),
          v: zeros(64),
          scalars: adamScalars({ lr: 0.1, gradScale: 1 / scale }, 1),
        });
      expect(await step(1024)).toEqual(await step(1));
    }
  });

  it.each([1, 17, 4096, 100_001])(
    "one NaN or infinity among %i numbers sets the flag, wherever it is",
    async (count) => {
      const flagOf = async (x: Float32Array<ArrayBuffer>, limits: DeviceLimits, flag: number, accumulate = false) => {
        const result = await runPlan(gpu(), planNonFinite({ count, accumulate }, limits), {
          x,
          flag: new Uint32Array([flag]),
        });
        return new Uint32Array(result["flag"]!.buffer)[0];
      };
      for (const limits of classes()) {
        const fine = randomNormal(count, 1).fill(3.4e38, 0, 1);
        expect(await flagOf(fine, limits, 1)).toBe(0);
        expect(await flagOf(fine, limits, 1, true)).toBe(1);
        for (const [index, bad] of [
          [0, NaN],
          [count - 1, -Infinity],
          [count >> 1, Infinity],
        ] as const) {
          expect(await flagOf(fine.slice().fill(bad, index, index + 1), limits, 0)).toBe(1);
        }
      }
    },
  );
});
