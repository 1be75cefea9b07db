import { expect, it } from "vitest";
import { tensor } from "../create.ts";
import { TensorError } from "../errors.ts";
import { describeDevice } from "../testing/index.ts";
import { mul } from "./binary.ts";
import { cast } from "./cast.ts";
import { sum } from "./reduce.ts";

describeDevice("cast", (device) => {
  it("integers lose the fraction and stay within their range, at the last f32 in it", async () => {
    const x = tensor([1.9, -1.9, 5e9, -5e9], { device: device() });
    expect(await cast(x, "i32").data()).toEqual(new Int32Array([1, -1, 2147483520, -2147483648]));
    expect(await cast(x, "u32").data()).toEqual(new Uint32Array([1, 0, 4294967040, 0]));
    expect(await cast(cast(x, "i32"), "f32").data()).toEqual(new Float32Array([1, -1, 2147483520, -2147483648]));
  });

  it("no gradient passes through integers", () => {
    const x = tensor([1.5], { device: device() }).requireGrad();
    expect(cast(x, "u32").requiresGrad).toBe(false);
    expect(() => cast(x, "u32").requireGrad()).toThrow(
      new TensorError("requireGrad", "only a tensor of floats can want a gradient, not one of u32"),
    );
  });

  it("halves round to the nearest and pass the gradient, or the device has none and says so", async () => {
    const x = tensor([1 + 2 ** -12, 1 / 3, 1e6], { device: device() }).requireGrad();
    if (!device().limits.f16) {
      expect(() => cast(x, "f16")).toThrow(new TensorError("cast", "the device has no f16 (the feature shader-f16)"));
      return;
    }
    const half = cast(x, "f16");
    expect(await half.data()).toEqual(new Float32Array([1, 0.333251953125, Infinity]));
    sum(mul(cast(half, "f32"), 3)).backward();
    expect(await x.grad!.data()).toEqual(new Float32Array([3, 3, 3]));
  });
});
