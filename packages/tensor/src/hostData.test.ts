import { describe, expect, it } from "vitest";
import { fromBytes, toBytes } from "./hostData.ts";

describe("bytes of a dtype", () => {
  it("come back as the numbers that went in, halves widened", () => {
    for (const [dtype, values] of [
      ["f32", [1.5, -2, 0.25]],
      ["f16", [1.5, -2, 0.25]],
      ["u32", [0, 7, 4_294_967_295]],
      ["i32", [-1, 0, 2_147_483_647]],
    ] as const) {
      const bytes = toBytes(dtype, values);
      expect(bytes.byteLength % 4, dtype).toBe(0);
      const whole = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      expect(Array.from(fromBytes(dtype, whole, 3)), dtype).toEqual(values);
    }
  });
});
