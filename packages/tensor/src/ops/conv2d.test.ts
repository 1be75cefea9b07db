import { expect, it } from "vitest";
import { zeros } from "../create.ts";
import { ShapeError, TensorError } from "../errors.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import type { Tensor } from "../tensor.ts";
import { conv2d, type Conv2dOptions } from "./conv2d.ts";
import { cast } from "./cast.ts";
import { torchCase } from "./torchNumbers.ts";

const CASES: Readonly<Record<string, Conv2dOptions>> = {
  "conv2d 1x1/1": {},
  "conv2d 1x1/2": { stride: 2 },
  "conv2d 3x3/1": { padding: 1 },
  "conv2d 3x3/2": { stride: 2, padding: 1 },
  "conv2d 3x3/1, bias, no padding": {},
  "conv2d 7x7/2": { stride: 2, padding: 3 },
};

describeDevice("conv2d", (device) => {
  for (const [name, options] of Object.entries(CASES))
    it(`${name}: result and all gradients are torch's`, () =>
      checkOp(
        device(),
        (x, w, bias) => conv2d(x!, w!, { ...options, ...(bias ? { bias } : {}) }),
        torchCase(name),
        // sums of 49 products, relative to operands of about 1
        { tolerance: { rtol: 1e-5, atol: 1e-5 } },
      ));

  it("a frozen weight gets no gradient, and neither does a picture", () => {
    const x = zeros([1, 4, 4, 2], { device: device() });
    const [w, bias] = [zeros([1, 4, 4, 2], { device: device() }), zeros([1], { device: device() }).requireGrad()];
    conv2d(x, w, { bias }).backward();
    expect([x.grad, w.grad]).toEqual([null, null]);
    expect(bias.grad).not.toBe(null);
  });

  it("errors name the operands and their shapes", () => {
    const x = zeros([8, 9, 9, 3], { device: device() });
    const w = (...shape: number[]): Tensor => zeros(shape, { device: device() });
    expect(() => conv2d(x, w(64, 7, 7, 64))).toThrow(
      "conv2d: x has 3 channels but w expects 64 (x [8,9,9,3], w [64,7,7,64])",
    );
    expect(() => conv2d(w(9, 9, 3), w(4, 3, 3, 3))).toThrow("conv2d: x must have 4 dimensions (x [9,9,3])");
    expect(() => conv2d(x, w(4, 3, 3, 3), { bias: w(5) })).toThrow(
      "conv2d: the bias must have 4 elements (w [4,3,3,3], bias [5])",
    );
    for (const options of [{ stride: 0 }, { stride: 1.5 }, { padding: -1 }, { padding: NaN }])
      expect(() => conv2d(x, w(4, 3, 3, 3), options)).toThrow(ShapeError);
    expect(() => conv2d(x, w(4, 11, 11, 3))).toThrow(ShapeError);
    expect(() => conv2d(x, cast(w(4, 3, 3, 3), "u32"))).toThrow(
      new TensorError("conv2d", "w must be f32 or f16, not u32: see cast"),
    );
  });
});
