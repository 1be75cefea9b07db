import { describe, expect, test } from "vitest";
import { CASES, gpuCases } from "../benchmarks/lib/cases.mjs";
import { compare } from "../benchmarks/lib/comparison.mjs";
import { convParts } from "../benchmarks/lib/kernelParts.mjs";
import { fromHalf, seededOperand, seededWeights, weightSpecs } from "../benchmarks/lib/model.mjs";
import { judge } from "../benchmarks/lib/targets.mjs";
import { SetupError } from "./lib/workspace.mjs";

const CASE = "gpu-gemm-f32";
const LARGE = "4096 x 4096 x 4096";
const adapter = { device: "a GPU", driver: "1" };
const answer = (ms, results) => ({
  adapter,
  versions: {},
  parts: [{ name: LARGE, times: 1, results, wall_ms: [ms], cpu_ms: [ms] }],
});

/** A case whose sides answer as told; an error is thrown. */
async function compared(answers) {
  const task = { kind: "kernels", precision: "f32", parts: [{ flop: 4e9 }] };
  const sides = Object.fromEntries(Object.keys(answers).map((side) => [side, 1]));
  return compare(
    CASE,
    { ...task, sides },
    (side) => {
      if (answers[side] instanceof Error) throw answers[side];
      return answers[side];
    },
    1,
  );
}

const target = (case_) =>
  judge({ cases: { [CASE]: case_ }, reports: {} }).find(({ name }) => name.startsWith("f32 GEMM"));

describe("a comparison", () => {
  test("gives rates, and how much faster ours is where the results are the same", async () => {
    const case_ = await compared({ fracture: answer(10, [1, 2]), "torch f32": answer(5, [1, 2.0001]) });
    expect(case_.failed).toBeUndefined();
    expect(case_.rows[1]).toMatchObject({ ours_faster: 0.5, parts: [{ gflop_per_s: 800 }] });
    expect(target(case_)).toMatchObject({ value: 0.5, met: false });
  });

  test("tells where results differ, and counts no speed for that", async () => {
    const case_ = await compared({ fracture: answer(10, [1, 2]), "torch f32": answer(5, [1, 2.5]) });
    expect(case_.failed).toBe(`torch f32, ${LARGE}: its results differ from ours by 2.2e-1, more than 0.001`);
    expect(target(case_)).toMatchObject({ value: null, met: null });
  });

  test("counts NaN as different", async () => {
    const case_ = await compared({ fracture: answer(10, [1, 2]), "torch f32": answer(5, [1, NaN]) });
    expect(case_.failed).toContain("its results differ from ours by Infinity");
  });

  test("keeps the others' figures where a peer breaks, and says what a peer lacks", async () => {
    const case_ = await compared({
      fracture: answer(10, [1, 2]),
      "torch f32": answer(20, [1, 2]),
      "torch tf32": new SetupError("out of memory"),
      "jax-js": { unavailable: "not installed" },
    });
    expect(case_.failed).toBe("out of memory");
    expect(case_.rows[3]).toEqual({ name: "jax-js", unavailable: "not installed" });
    expect(target(case_)).toMatchObject({ value: 2, met: true });
  });

  test("does not take another adapter for ours", async () => {
    const elsewhere = { ...answer(5, [1, 2]), adapter: { device: "a CPU", driver: "1" } };
    expect((await compared({ fracture: answer(10, [1, 2]), tfjs: elsewhere })).failed).toBe(
      "tfjs ran on a CPU, ours on a GPU",
    );
  });
});

describe("what every side is given", () => {
  test("operands are the same numbers in f16 as in f32", () => {
    const [halves, floats] = ["f16", "f32"].map((dtype) => seededOperand(5000, 3, dtype));
    expect(Array.from(halves, fromHalf)).toEqual([...floats]);
    expect(new Set(floats).size).toBeGreaterThan(1500);
  });

  test("weights have the shapes and the bounds that are told to peers in other languages", () => {
    const weights = seededWeights();
    for (const { name, shape, low, high } of weightSpecs()) {
      const { data } = weights.get(name);
      expect(data).toHaveLength(shape.reduce((a, b) => a * b, 1));
      expect(
        data.every((value) => value >= Math.fround(low) && value <= Math.fround(high)),
        name,
      ).toBe(true);
    }
  });

  test("the convolutions are those of ResNet-50 at 224: 4.1 billion multiplications forward, each layer counted as often as it occurs", () => {
    const forward = convParts(224, 1, "f16").filter(({ product }) => product === "forward");
    const times = {
      "56x56 256 -> 64": 2,
      "56x56 64 -> 256": 4,
      "3x3/1 56x56": 3,
      "28x28 512 -> 128": 3,
      "28x28 128 -> 512": 4,
      "3x3/1 28x28": 3,
      "14x14 1024 -> 256": 5,
      "14x14 256 -> 1024": 6,
      "3x3/1 14x14": 5,
      "7x7 2048 -> 512": 2,
      "7x7 512 -> 2048": 3,
      "3x3/1 7x7": 2,
    };
    const count = (name) => Object.entries(times).find(([part]) => name.includes(part))?.[1] ?? 1;
    const total = forward.reduce((sum, { name, flop }) => sum + (flop / 2) * count(name), 0);
    expect(total / 1e9).toBeCloseTo(4.09, 2);
  });

  test("every case has ours first, which the others are compared with", () => {
    for (const cases of [CASES, gpuCases({ small: true }), gpuCases({ small: false })])
      for (const [name, { sides }] of Object.entries(cases)) expect(Object.keys(sides)[0], name).toBe("fracture");
  });
});
