import { expect, test } from "vitest";
import type { nn } from "@fracture/tensor";
import { ModelFileError } from "./errors.ts";
import { nonFiniteName, refuseNonFinite } from "./finite.ts";

const state = (...values: number[]): nn.StateDict =>
  new Map([
    ["bn1.num_batches_tracked", { dtype: "i64", shape: [], data: BigInt64Array.of(7n) }],
    ["bn1.weight", { dtype: "f32", shape: [2], data: Float32Array.of(3.4e38, 3.4e38) }],
    ["fc.bias", { dtype: "f32", shape: [values.length], data: Float32Array.of(...values) }],
  ]);

test("weights are finite up to the largest float, and one NaN or infinity among them is found by its tensor", () => {
  expect(nonFiniteName(state(1, -3.4e38, 0))).toBe(null);
  for (const bad of [NaN, Infinity, -Infinity]) expect(nonFiniteName(state(1, bad, 0))).toBe("fc.bias");
  expect(nonFiniteName(state(Infinity, -Infinity))).toBe("fc.bias");
});

test("a file of such weights is refused, naming file and tensor", () => {
  expect(() => refuseNonFinite("w.pth", state(NaN))).toThrow(ModelFileError);
  expect(() => refuseNonFinite("w.pth", state(NaN))).toThrow("w.pth: fc.bias holds NaN or infinite values");
});
