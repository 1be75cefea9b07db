import { describe, expect, it } from "vitest";
import { f16ToF32, f32ToF16 } from "./half.ts";

const ALL_HALVES = Array.from({ length: 65_536 }, (_, bits) => bits);

describe("halves on the host", () => {
  it("every half comes back from f32 as it was; NaNs stay NaN", () => {
    const changed = ALL_HALVES.filter((bits) => {
      const value = f16ToF32(bits);
      return Number.isNaN(value) ? !Number.isNaN(f16ToF32(f32ToF16(value))) : f32ToF16(value) !== bits;
    });
    expect(changed).toEqual([]);
  });

  it("known values: one, the largest, the smallest normal and subnormal, infinity", () => {
    expect([0x3c00, 0x7bff, 0x0400, 0x0001, 0x8000, 0xfc00].map(f16ToF32)).toEqual([
      1,
      65_504,
      2 ** -14,
      2 ** -24,
      -0,
      -Infinity,
    ]);
  });

  it("what lies between two halves rounds to the nearer one, in the middle to the even one", () => {
    const finite = ALL_HALVES.slice(0, 0x7bff);
    const wrong = finite.filter((bits) => {
      const [low, high] = [f16ToF32(bits), f16ToF32(bits + 1)];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const nearer = [(low + middle) / 2, (middle + high) / 2].map(f32ToF16);
      return (
        f32ToF16(middle) !== even || f32ToF16(-middle) !== even + 0x8000 || nearer.join() !== `${bits},${bits + 1}`
      );
    });
    expect(wrong).toEqual([]);
  });

  it("above the range is infinity, from the middle to the next power of two on", () => {
    expect([65_519, 65_520, 1e30].map((x) => f16ToF32(f32ToF16(x)))).toEqual([65_504, Infinity, Infinity]);
  });
});
