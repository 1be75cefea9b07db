import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SmoothedLoss, suggestRates, sweptRate, type RatePoint } from "./suggest.ts";

interface FastaiSweep {
  readonly losses: readonly number[];
  readonly smoothed: readonly number[];
  readonly lrs: readonly number[];
  readonly valley: number;
  readonly steep: number;
  readonly minimum: number;
}
const fastai: Record<string, FastaiSweep> = JSON.parse(
  readFileSync(new URL("./testdata/fastai.json", import.meta.url), "utf8"),
);

it.each(Object.entries(fastai))(
  "a curve that %s is swept, smoothed, stopped and judged as by fastai",
  (_, expected) => {
    const mean = new SmoothedLoss();
    const points = expected.losses.map((loss, i): RatePoint => {
      const smoothed = mean.add(loss);
      const last = i === expected.losses.length - 1;
      expect(mean.diverged(smoothed)).toBe(last && expected.losses.length < 100);
      return { lr: sweptRate(i, 100, 1e-7, 10), loss, smoothed };
    });
    points.forEach(({ lr, smoothed }, i) => {
      expect(lr / expected.lrs[i]!).toBeCloseTo(1, 12);
      expect(smoothed).toBeCloseTo(expected.smoothed[i]!, 10);
    });
    const { valley, steep, minimum } = suggestRates(points, 100);
    expect([valley! / expected.valley, steep! / expected.steep, minimum! / expected.minimum]).toEqual(
      [1, 1, 1].map((one) => expect.closeTo(one, 12)),
    );
  },
);

it("a loss that never falls, or too few points, suggest nothing; one that is no number is the end", () => {
  const rising = Array.from({ length: 40 }, (_, i) => ({ lr: 10 ** (i / 10 - 5), loss: i, smoothed: i }));
  expect(suggestRates(rising, 40)).toMatchObject({ valley: null, steep: null });
  expect(suggestRates(rising.slice(0, 8), 40)).toEqual({ valley: null, steep: null, minimum: null });
  const mean = new SmoothedLoss();
  mean.add(1);
  expect(mean.diverged(NaN)).toBe(true);
});
