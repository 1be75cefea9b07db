import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { constantLR, ScheduleError, stepLR } from "./stepLR.ts";

interface TorchCase {
  baseLr: number;
  stepSize: number;
  gamma: number;
  rates: number[];
}
const torch: { cases: TorchCase[] } = JSON.parse(
  readFileSync(new URL("./testdata/stepLR.json", import.meta.url), "utf8"),
);

describe("stepLR", () => {
  test.each(torch.cases)("gives torch's rates bit for bit: step $stepSize, gamma $gamma", (example) => {
    const schedule = stepLR(example);
    expect(example.rates.map((_, epoch) => schedule(example.baseLr, epoch))).toEqual(example.rates);
  });

  test("decays by 0.1 every 7 epochs unless told otherwise", () => {
    expect([6, 7, 13, 14].map((epoch) => stepLR()(1, epoch))).toEqual([1, 0.1, 0.1, 0.1 * 0.1]);
  });

  test("refuses options and epochs that make no sense, naming them", () => {
    expect(() => stepLR({ stepSize: 0 })).toThrow("stepLR: stepSize must be an integer >= 1, got 0");
    expect(() => stepLR({ gamma: NaN })).toThrow("stepLR: gamma must be finite and > 0, got NaN");
    expect(() => stepLR()(1, -1)).toThrow(ScheduleError);
    expect(() => constantLR()(1, 0.5)).toThrow("constantLR: epoch must be an integer >= 0, got 0.5");
  });
});

test("constantLR never changes the rate", () => {
  expect([0, 1, 100].map((epoch) => constantLR()(3e-4, epoch))).toEqual([3e-4, 3e-4, 3e-4]);
});
