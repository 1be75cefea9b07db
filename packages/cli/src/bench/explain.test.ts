import { describe, expect, it } from "vitest";
import type { Ceilings } from "./ceilings.ts";
import { kindOf, summarise, type Timed } from "./explain.ts";
import { formatExplanation } from "./explainReport.ts";

const CEILINGS: Ceilings = {
  flop: { f32: { rate: 100, measured: "matmul" }, f16: { rate: 1000, measured: "matmul in halves" } },
  bytes: { rate: 10, measured: "copies" },
};

function timed(
  name: string,
  ms: readonly number[],
  work: Partial<Timed> & { flop?: number; bytes?: number } = {},
): Timed {
  const { flop = 0, bytes = 0, type = "f32" } = work;
  const passes = ms.map((each, i) => ({ label: `${name} pass ${i}`, ms: each }));
  return {
    plan: { name, flop, bytes },
    passes,
    ms: ms.reduce((sum, each) => sum + each, 0),
    kind: kindOf({ name }),
    type,
  };
}

describe("an explanation", () => {
  it("gives each kernel what its operations and its bytes would take at the ceilings", () => {
    const product = timed("conv2d.forward 3x3/1 [1,8,8,4] -> 4", [1, 3], { flop: 200e6, bytes: 10e6 });
    const copy = timed("permute [8]", [4], { bytes: 30e6 });
    const { each, total } = summarise([product, copy], CEILINGS);
    // 2 ms of operations, 1 ms of bytes
    expect(each[0]).toMatchObject({ dispatches: 2, ms: 4, share: 0.5, floor_ms: 2, of_flop_ceiling: 0.5 });
    expect(each[0]).toMatchObject({ gflop_per_s: 50, gbyte_per_s: 2.5, of_byte_ceiling: 0.25 });
    expect(each[1]).toMatchObject({ dispatches: 1, ms: 4, floor_ms: 3, of_flop_ceiling: 0, of_byte_ceiling: 0.75 });
    expect(total).toMatchObject({ kernels: 2, dispatches: 3, ms: 8, share: 1, floor_ms: 5, flop: 200e6, bytes: 40e6 });
  });

  it("measures halves by the products of halves", () => {
    const work = { flop: 1000e6, type: "f16" } as const;
    const { total } = summarise(
      [timed("matmul AB", [2], work), timed("matmul AB", [30], { ...work, type: "f32" })],
      CEILINGS,
    );
    expect(total.of_flop_ceiling).toBeCloseTo((1 + 10) / 32, 12);
  });

  it("puts kernels of a kind together, the slowest kind first", () => {
    const names = ["add [4]", "conv2d.forward 1x1/1 [1,8,8,4] -> 4", "conv2d.forward 1x1/1 [1,4,4,8] -> 8", "add [9]"];
    const { kinds } = summarise(
      names.map((name, i) => timed(name, [[1, 4, 5, 2][i]!])),
      CEILINGS,
    );
    expect(kinds.map(({ name, kernels, ms }) => [name, kernels, ms])).toEqual([
      ["conv2d.forward 1x1/1", 2, 9],
      ["add", 2, 3],
    ]);
  });

  it("shows the passes of a kernel, the sum against the whole, and how each ceiling was measured", () => {
    const kernels = [
      timed("matmul AB [2,2]x[2,2]", [1, 2], { flop: 1e6, bytes: 2e6 }),
      timed("fill [4]", [1], { bytes: 16 }),
    ];
    const explanation = { ...summarise(kernels, CEILINGS), between_ms: 0.5, replay_ms: 4.25, repeats: 3 };
    const short = formatExplanation(explanation, { each: false });
    expect(short).not.toContain("pass 1");
    expect(short).toContain("the dispatches' sum 4.00 ms, between them 0.50 ms; a replay as a whole 4.25 ms");
    expect(short).toContain("operations, f16  1,000 GFLOP/s (matmul in halves)");
    const fill = short.split("\n").find((line) => line.startsWith("fill"))!;
    expect(fill.split(/\s{2,}/)).toEqual(["fill", "1", "1", "1.00", "25.0%", "1.6e-6", "1.6e-5", "1.6e-5", "0.0%"]);
    const long = formatExplanation(explanation, { each: true });
    expect(long).toMatch(/\n {4}matmul AB \[2,2\]x\[2,2\] pass 1 +2\.00 +50\.0%\n/);
  });
});

it("the kind of a kernel is its product, filter and stride, whatever was fused into it", () => {
  expect(kindOf({ name: "conv2d.gradWeight 3x3/2,1 [8,9,9,4] -> 8" })).toBe("conv2d.gradWeight 3x3/2,1");
  expect(kindOf({ name: "conv2d.forward f16 3x3/2 [8,9,9,4] -> 8 statistics" })).toBe("conv2d.forward f16 3x3/2");
  expect(kindOf({ name: "batchNorm.train residual relu [128,64]" })).toBe("batchNorm.train");
});
