import { describe, expect, it } from "vitest";
import { biasUniform, Generator, kaimingNormal, kaimingUniform } from "./init.ts";

function statistics(values: Float32Array): { mean: number; deviation: number; largest: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance), largest: values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
}

describe("initial weights", () => {
  const filters = [64, 3, 3, 32]; // fan in 3 * 3 * 32 = 288, fan out 3 * 3 * 64 = 576
  const count = 64 * 288;

  it("are uniform in 1 / sqrt(fan in), torch's default for filters and matrices", () => {
    for (const [shape, fanIn] of [
      [filters, 288],
      [[500, 40], 40],
    ] as const) {
      const bound = 1 / Math.sqrt(fanIn);
      const { mean, deviation, largest } = statistics(kaimingUniform(shape, new Generator(1)));
      expect(largest).toBeLessThanOrEqual(Math.fround(bound));
      expect(largest).toBeGreaterThan(0.999 * bound);
      // four standard errors
      expect(Math.abs(mean)).toBeLessThan((4 * bound) / Math.sqrt(3 * 18_000));
      expect(deviation / (bound / Math.sqrt(3))).toBeCloseTo(1, 1.5);
    }
  });

  it("are normal with sqrt(2 / fan out), torchvision's for ResNet", () => {
    const { mean, deviation, largest } = statistics(kaimingNormal(filters, new Generator(2)));
    const wanted = Math.sqrt(2 / 576);
    expect(Math.abs(mean)).toBeLessThan((4 * wanted) / Math.sqrt(count));
    expect(Math.abs(deviation / wanted - 1)).toBeLessThan(4 / Math.sqrt(2 * count));
    expect(largest / wanted).toBeGreaterThan(3.3); // no truncation
  });

  it("of a bias are uniform in 1 / sqrt(the weight's fan in)", () => {
    const bias = biasUniform([500, 16], new Generator(3));
    expect(bias.length).toBe(500);
    const { largest } = statistics(bias);
    expect(largest).toBeLessThanOrEqual(0.25);
    expect(largest).toBeGreaterThan(0.24);
  });

  it("are a pure function of the seed and of their place in the sequence; without a generator they are zero", () => {
    const draw = (seed: number): Float32Array[] => {
      const generator = new Generator(seed);
      return [generator.normal([8]), generator.normal([8])];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1)[0]).not.toEqual(draw(1)[1]);
    expect(kaimingUniform([2, 2], null)).toEqual(new Float32Array(4));
    expect(kaimingNormal([2, 2], null)).toEqual(new Float32Array(4));
    expect(biasUniform([2, 2], null)).toEqual(new Float32Array(2));
  });
});
