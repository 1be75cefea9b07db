import { describe, expect, it } from "vitest";
import { BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, runPlan } from "../testing/index.ts";
import { philox4x32, philoxBlock, randomNormals, randomUniform, seedWords, type RandomSequence } from "./philox.ts";
import { planRandom } from "./random.ts";

const SEQUENCE: RandomSequence = { seed: [0xdeadbeef, 42], stream: [3, 0x80000000] };
const hex = (words: readonly number[]): string => words.map((word) => word.toString(16).padStart(8, "0")).join(" ");

describe("philox4x32", () => {
  // Random123's kat_vectors, "philox4x32 10"
  it("gives Random123's known answers", () => {
    expect(hex(philox4x32([0, 0, 0, 0], [0, 0]))).toBe("6627e8d5 e169c58d bc57ac4c 9b00dbd8");
    const ones = 0xffffffff;
    expect(hex(philox4x32([ones, ones, ones, ones], [ones, ones]))).toBe("408f276d 41c83b0e a20bc7c6 6d5451fd");
    expect(hex(philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    );
  });

  it("another stream or seed is another sequence", () => {
    const first = philoxBlock(SEQUENCE, 0);
    expect(philoxBlock({ ...SEQUENCE, stream: [4, 0x80000000] }, 0)).not.toEqual(first);
    expect(philoxBlock({ ...SEQUENCE, seed: [0, 42] }, 0)).not.toEqual(first);
    expect(seedWords(2 ** 40 + 5)).toEqual([5, 256]);
  });

  it("uniform and normal numbers have the moments of their distributions", () => {
    const moments = (x: Float32Array) => {
      const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
      return [
        mean,
        x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length,
        x.reduce((sum, v) => sum + (v - mean) ** 4, 0) / x.length,
      ];
    };
    // five standard errors of each with 100,000 numbers
    const [mean, variance] = moments(randomUniform(SEQUENCE, 100_000));
    expect(Math.abs(mean! - 0.5)).toBeLessThan(0.0046);
    expect(Math.abs(variance! - 1 / 12)).toBeLessThan(0.0012);
    const [normalMean, normalVariance, kurtosis] = moments(randomNormals(SEQUENCE, 100_000));
    expect(Math.abs(normalMean!)).toBeLessThan(0.016);
    expect(Math.abs(normalVariance! - 1)).toBeLessThan(0.023);
    expect(Math.abs(kurtosis! - 3)).toBeLessThan(0.16);
  });
});

describe("random plans", () => {
  it("compile the same WGSL for another count, seed, range or offset", () => {
    const one = planRandom({ distribution: "uniform", count: 3, sequence: SEQUENCE }, BASELINE_GPU);
    const other = planRandom(
      { distribution: "uniform", count: 800, a: -1, offset: 16, sequence: { seed: [1, 2], stream: [3, 4] } },
      BASELINE_GPU,
    );
    expect(one.passes[0]!.wgsl).toBe(other.passes[0]!.wgsl);
    expect(planRandom({ distribution: "normal", count: 3 }, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot();
  });

  it("refuse an offset inside a block", () => {
    expect(() => planRandom({ distribution: "bits", count: 3, offset: 2 }, BASELINE_GPU)).toThrow(
      "random: offset / 4 + 1 must be a positive integer",
    );
  });
});

describeGpu("random kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];
  const state = Uint32Array.from([...SEQUENCE.seed, ...SEQUENCE.stream]);

  it.each([1, 17, 1023, 4099])(
    "%i words equal the CPU's bit for bit, from params and from a state buffer",
    async (count) => {
      const expected = Array.from({ length: Math.ceil(count / 4) }, (_, block) => philoxBlock(SEQUENCE, block))
        .flat()
        .slice(0, count);
      for (const limits of classes()) {
        const { y } = await runPlan(gpu(), planRandom({ distribution: "bits", count, sequence: SEQUENCE }, limits), {});
        expect([...new Uint32Array(y!.buffer)]).toEqual(expected);
        const { y: fromState } = await runPlan(gpu(), planRandom({ distribution: "bits", count }, limits), { state });
        expect([...new Uint32Array(fromState!.buffer)]).toEqual(expected);
      }
    },
  );

  it("a sequence goes on at an offset, past 2^32 blocks too", async () => {
    const offset = 4 * (2 ** 32 - 2);
    const expected = Array.from({ length: 4 }, (_, block) => philoxBlock(SEQUENCE, offset / 4 + block)).flat();
    for (const limits of classes()) {
      const { y } = await runPlan(
        gpu(),
        planRandom({ distribution: "bits", count: 16, sequence: SEQUENCE, offset }, limits),
        {},
      );
      expect([...new Uint32Array(y!.buffer)]).toEqual(expected);
    }
  });

  it("uniform, normal and bernoulli numbers agree with the CPU's", async () => {
    const count = 4099;
    const uniform = randomUniform(SEQUENCE, count);
    for (const limits of classes()) {
      const draw = async (geometry: Partial<Parameters<typeof planRandom>[0]>) =>
        (
          await runPlan(
            gpu(),
            planRandom({ distribution: "uniform", count, sequence: SEQUENCE, ...geometry }, limits),
            {},
          )
        ).y!;
      expect(await draw({})).toEqual(uniform);
      expectClose(
        await draw({ a: -0.5, b: 0.5 }),
        uniform.map((v) => v - 0.5),
        { rtol: 0, atol: 1e-7 },
      );
      expectClose(
        await draw({ distribution: "normal", a: 1, b: 2 }),
        randomNormals(SEQUENCE, count).map((v) => 1 + 2 * v),
        { rtol: 1e-5, atol: 2e-5 },
      );
      expect(await draw({ distribution: "bernoulli", a: 0.25, b: 4 })).toEqual(uniform.map((v) => (v < 0.25 ? 4 : 0)));
    }
  });
});
