import { expect, it } from "vitest";
import { warmupFactor } from "./warmup.ts";

it("rises in equal steps to the whole rate, and stays there; without a warm-up it is that from the first step", () => {
  expect([0, 1, 2, 3, 4, 5].map((step) => warmupFactor(step, 4))).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  expect([0, 1].map((step) => warmupFactor(step, 0))).toEqual([1, 1]);
});
