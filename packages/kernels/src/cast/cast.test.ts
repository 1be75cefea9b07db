import { describe, expect, it } from "vitest";
import { DeviceLimitError } from "../errors.ts";
import { BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { planCast } from "./cast.ts";

describe("cast plans", () => {
  it("refuse f16 where the device has none", () => {
    const plan = () => planCast({ from: "f32", to: "f16", count: 3 }, BASELINE_GPU);
    expect(plan).toThrow(DeviceLimitError);
    expect(plan).toThrow("cast f32 to f16 [3] needs shader-f16 1, the device has 0");
  });

  it("count bytes in whole words and depend on the types alone", () => {
    const f16 = { ...BASELINE_GPU, f16: true };
    expect(planCast({ from: "f32", to: "f16", count: 3 }, f16)).toMatchObject({ operands: { x: 12, y: 8 }, bytes: 20 });
    expect(planCast({ from: "f32", to: "f16", count: 3 }, f16).passes[0]!.wgsl).toBe(
      planCast({ from: "f32", to: "f16", count: 8 }, f16).passes[0]!.wgsl,
    );
    expect(planCast({ from: "f32", to: "f16", count: 3 }, f16).passes[0]!.wgsl).toMatchSnapshot();
  });
});

describeGpu("cast kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  it("integers become floats exactly, and floats lose their fraction", async () => {
    for (const count of [1, 17, 1025]) {
      const u = Uint32Array.from({ length: count }, (_, i) => i * 16_000);
      const i = Int32Array.from({ length: count }, (_, k) => (k % 2 ? -k : k) * 1000);
      const x = randomNormal(count, count).map((v) => v * 1000);
      for (const limits of classes()) {
        expect((await runPlan(gpu(), planCast({ from: "u32", to: "f32", count }, limits), { x: u })).y).toEqual(
          Float32Array.from(u),
        );
        expect((await runPlan(gpu(), planCast({ from: "i32", to: "f32", count }, limits), { x: i })).y).toEqual(
          Float32Array.from(i),
        );
        const { y } = await runPlan(gpu(), planCast({ from: "f32", to: "i32", count }, limits), { x });
        expect(new Int32Array(y!.buffer)).toEqual(Int32Array.from(x, Math.trunc));
        const { y: magnitude } = await runPlan(gpu(), planCast({ from: "f32", to: "u32", count }, limits), {
          x: x.map(Math.abs),
        });
        expect(new Uint32Array(magnitude!.buffer)).toEqual(Uint32Array.from(x, (v) => Math.trunc(Math.abs(v))));
      }
    }
  });

  it("to f16 and back keeps what f16 can hold, and rounds the rest by at most half a unit", async (context) => {
    if (!gpu().limits.f16) context.skip("no shader-f16");
    const count = 1027;
    const exact = Float32Array.from({ length: count }, (_, i) => (i - 500) / 8);
    const fine = randomNormal(count, 3);
    for (const limits of classes()) {
      const thereAndBack = async (x: Float32Array<ArrayBuffer>) => {
        const { y: half } = await runPlan(gpu(), planCast({ from: "f32", to: "f16", count }, limits), { x });
        const bits = new Uint16Array(half!.buffer).slice(0, count);
        return (await runPlan(gpu(), planCast({ from: "f16", to: "f32", count }, limits), { x: bits })).y!;
      };
      expect(await thereAndBack(exact)).toEqual(exact);
      expectClose(await thereAndBack(fine), fine, { rtol: 2 ** -11, atol: 2 ** -25 });
    }
  });
});
