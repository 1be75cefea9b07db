import { describe, expect, it } from "vitest";
import { f16ToF32, f32ToF16 } from "../half.ts";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, halvesOf, randomNormal, runPlan } from "../testing/index.ts";
import { planLossScale, planStepScalars } from "./lossScale.ts";
import { planAdam, planSgd } from "./optimizer.ts";
import { ADAM_SCALAR, ADAM_SCALARS, adamGiven, adamScalars, SGD_SCALAR, sgdScalars } from "./scalars.ts";

const FACTORS = { growthFactor: 2, backoffFactor: 0.5, growthInterval: 3 };

describe("loss scale plans", () => {
  it("say which factors make no sense", () => {
    expect(() => planLossScale({ ...FACTORS, growthFactor: 1 })).toThrow(
      "lossScale: growthFactor must be above 1 (growthFactor 1)",
    );
    expect(() => planLossScale({ ...FACTORS, backoffFactor: 1 })).toThrow("backoffFactor must lie between 0 and 1");
    expect(() => planLossScale({ ...FACTORS, growthInterval: 0 })).toThrow("growthInterval must be a positive integer");
  });

  it("leave the WGSL of an update without f16 copies and without a flag as it is", () => {
    const half = { ...BASELINE_CPU, f16: true };
    const plain = planAdam({ count: 64 }, half).passes[0]!.wgsl;
    const skippable = planAdam({ count: 64, half: true, skippable: true }, half);
    expect(plain).not.toMatch(/f16|flag/);
    expect(skippable.passes[0]!.wgsl).toMatchSnapshot();
    expect(skippable.operands).toMatchObject({ half: 128, flag: 4 });
    expect(() => planAdam({ count: 64, half: true }, BASELINE_GPU)).toThrow("shader-f16");
  });
});

describeGpu("loss scale kernels", (gpu) => {
  it("the scale is halved by an overflow, and doubled after enough steps without one", async () => {
    let state = Float32Array.of(65_536, 0, 0, 0);
    const trace: number[][] = [];
    for (const overflow of [0, 0, 1, 0, 0, 0, 0, 1, 1]) {
      const result = await runPlan(gpu(), planLossScale(FACTORS), { state, flag: Uint32Array.of(overflow) });
      expect(new Uint32Array(result["flag"]!.buffer)[0]).toBe(0);
      state = result["state"]!;
      trace.push([...state]);
    }
    expect(trace).toEqual([
      [65_536, 1, 0, 0],
      [65_536, 2, 0, 0],
      [32_768, 0, 1, 1],
      [32_768, 1, 1, 0],
      [32_768, 2, 1, 0],
      [65_536, 0, 1, 0],
      [65_536, 1, 1, 0],
      [32_768, 0, 2, 1],
      [16_384, 0, 3, 1],
    ]);
  });

  it("the scale never grows beyond what f32 can hold", async () => {
    const state = Float32Array.of(2 ** 126, 2, 0, 0);
    const result = await runPlan(gpu(), planLossScale(FACTORS), { state, flag: Uint32Array.of(0) });
    expect([...result["state"]!]).toEqual([2 ** 126, 0, 0, 0]);
  });

  it.each([0, 1, 9, 350, 700, 20_000, 1_000_000])(
    "after %i steps the bias corrections are those computed in f64",
    async (taken) => {
      const options = [{ lr: 1e-3 }, { lr: 0.3, betas: [0, 0.95], weightDecay: 0.1 }] as const;
      const given = Float32Array.from(options.flatMap((group) => [...adamGiven(group)]));
      const result = await runPlan(gpu(), planStepScalars({ rule: "adam", groups: 2 }), {
        given,
        state: Float32Array.of(1024, 0, 0, 0),
        flag: Uint32Array.of(0),
        steps: Uint32Array.of(taken),
      });
      expect(new Uint32Array(result["steps"]!.buffer)[0]).toBe(taken + 1);
      options.forEach((group, i) => {
        const expected = adamScalars({ ...group, gradScale: 1 / 1024 }, taken + 1);
        const block = result["scalars"]!.slice(i * ADAM_SCALARS, i * ADAM_SCALARS + ADAM_SCALAR.logBeta1);
        // rounding of ln(beta), of its product with the step, and of the series
        expectClose(block, expected.slice(0, ADAM_SCALAR.logBeta1), { rtol: 4e-7, atol: 0 });
      });
    },
  );

  it("SGD's scalars pass through, with the inverse of the scale; a step that overflowed is not counted", async () => {
    const given = sgdScalars({ lr: 0.1, momentum: 0.9, weightDecay: 0.01 });
    const operands = { given, state: Float32Array.of(8, 0, 0, 0), steps: Uint32Array.of(5) };
    const plan = planStepScalars({ rule: "sgd", groups: 1 });
    const counted = await runPlan(gpu(), plan, { ...operands, flag: Uint32Array.of(0) });
    const expected = given.slice();
    expected[SGD_SCALAR.gradScale] = 1 / 8;
    expect(counted["scalars"]).toEqual(expected);
    const skipped = await runPlan(gpu(), plan, { ...operands, flag: Uint32Array.of(1) });
    expect(new Uint32Array(skipped["steps"]!.buffer)[0]).toBe(5);
  });

  it.each([17, 1025])("an update of %i parameters writes their halves; a flagged one writes nothing", async (count) => {
    if (!gpu().limits.f16) expect.fail("no shader-f16");
    const classes: DeviceLimits[] = [
      { ...gpu().limits, deviceClass: "gpu" },
      { ...gpu().limits, deviceClass: "cpu" },
    ];
    const [params, grads, m] = [randomNormal(count, 1), randomNormal(count, 2), randomNormal(count, 3)];
    const half = Uint16Array.from(params, f32ToF16);
    const scalars = sgdScalars({ lr: 0.1, momentum: 0.9 });
    for (const limits of classes) {
      const plain = await runPlan(gpu(), planSgd({ count, momentum: true }, limits), { params, grads, m, scalars });
      const plan = planSgd({ count, momentum: true, half: true, skippable: true }, limits);
      const run = (flag: number) =>
        runPlan(gpu(), plan, { params, grads, m, scalars, half, flag: Uint32Array.of(flag) });
      const taken = await run(0);
      expect(taken["params"]).toEqual(plain["params"]);
      expect(halvesOf(taken["half"]!, count)).toEqual(plain["params"]!.map((w) => f16ToF32(f32ToF16(w))));
      const skipped = await run(1);
      expect(skipped["params"]).toEqual(params);
      expect(skipped["m"]).toEqual(m);
      expect(new Uint16Array(skipped["half"]!.buffer, 0, count)).toEqual(half);
    }
  });
});
