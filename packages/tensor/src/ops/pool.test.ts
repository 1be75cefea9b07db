import { expect, it } from "vitest";
import { tensor, zeros } from "../create.ts";
import { ShapeError } from "../errors.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { globalAvgPool, maxPool2d } from "./pool.ts";
import { sum } from "./reduce.ts";
import { torchCase } from "./torchNumbers.ts";

describeDevice("pooling", (device) => {
  it("maxPool2d 3x3/2 with padding: result and gradient are torch's", () =>
    checkOp(device(), (x) => maxPool2d(x!, { kernelSize: 3, stride: 2, padding: 1 }), torchCase("maxPool2d 3x3/2")));

  it("maxPool2d strides by its kernel's size: result and gradient are torch's", () =>
    checkOp(device(), (x) => maxPool2d(x!, { kernelSize: 2 }), torchCase("maxPool2d 2x2/2")));

  it("globalAvgPool: result and gradient are torch's", () =>
    checkOp(device(), (x) => globalAvgPool(x!), torchCase("globalAvgPool")));

  it("of equal values the first one gets the gradient", async () => {
    const x = tensor([1, 1, 1, 1], { device: device(), shape: [1, 2, 2, 1] }).requireGrad();
    sum(maxPool2d(x, { kernelSize: 2 })).backward();
    expect(await x.grad!.data()).toEqual(new Float32Array([1, 0, 0, 0]));
  });

  it("errors name the op, the rule and the shape", () => {
    const x = zeros([1, 4, 4, 2], { device: device() });
    expect(() => maxPool2d(zeros([4, 4], { device: device() }), { kernelSize: 2 })).toThrow(
      "maxPool2d: x must have 4 dimensions (x [4,4])",
    );
    expect(() => globalAvgPool(zeros([4, 4], { device: device() }))).toThrow(
      "globalAvgPool: x must have 4 dimensions (x [4,4])",
    );
    for (const options of [
      { kernelSize: 0 },
      { kernelSize: 3, padding: 2 },
      { kernelSize: 2, stride: 0 },
      { kernelSize: 7 },
    ])
      expect(() => maxPool2d(x, options)).toThrow(ShapeError);
  });
});
