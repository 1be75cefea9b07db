import { expect, it } from "vitest";
import { noGrad } from "./noGrad.ts";
import { tensor } from "../create.ts";
import { TensorError } from "../errors.ts";
import { add, div, maximum, mul, sub } from "../ops/binary.ts";
import { mean, sum } from "../ops/reduce.ts";
import { exp, log, relu, sigmoid, sqrt, tanh } from "../ops/unary.ts";
import { tidy } from "../scope.ts";
import { describeDevice, gradCheck } from "../testing/index.ts";

describeDevice("autograd", (device) => {
  it("a tensor used twice gets the sum of both gradients", async () => {
    const x = tensor([3], { device: device() }).requireGrad();
    sum(add(mul(x, x), x)).backward();
    expect(await x.grad!.item()).toBe(7);
  });

  it("a second backward pass adds to the gradients that are there", async () => {
    const x = tensor([2], { device: device() }).requireGrad();
    sum(mul(x, 5)).backward();
    sum(mul(x, 3)).backward();
    expect(await x.grad!.item()).toBe(8);
  });

  it("a broadcast operand's gradient is summed over the repeated dimensions", async () => {
    const row = tensor([1, 2, 3], { device: device() }).requireGrad();
    const x = tensor(
      [
        [1, 1, 1],
        [2, 2, 2],
      ],
      { device: device() },
    );
    sum(mul(x, row)).backward();
    expect(await row.grad!.data()).toEqual(new Float32Array([3, 3, 3]));
  });

  it("noGrad records nothing, and a used graph can't be used again", () => {
    const x = tensor([1, 2], { device: device() }).requireGrad();
    expect(noGrad(() => sum(x)).requiresGrad).toBe(false);
    const loss = sum(mul(x, x));
    loss.backward();
    expect(() => loss.backward()).toThrow(TensorError);
  });

  it("forward, backward and tidy leave no live buffer but the gradient's", () => {
    const x = tensor([1, 2, 3, 4], { device: device() }).requireGrad();
    const before = device().counts.live;
    tidy(() => mean(relu(mul(x, x))).backward());
    expect(device().counts.live).toBe(before + 1);
    tidy(() => void mean(relu(mul(x, x)))); // a graph that is never used backward is freed too
    expect(device().counts.live).toBe(before + 1);
  });

  it("elementwise gradients agree with finite differences", async () => {
    const shape = [5, 7];
    const positive = [Float32Array.from({ length: 35 }, (_, i) => 0.5 + (i % 9) / 4)];
    for (const op of [relu, exp, sigmoid, tanh]) await gradCheck(device(), op, [shape]);
    for (const op of [log, sqrt]) await gradCheck(device(), op, [shape], { values: positive });
    for (const op of [add, sub, mul, maximum]) await gradCheck(device(), op, [shape, [7]]);
    await gradCheck(device(), div, [shape, shape], { values: [null, positive[0]!] });
    await gradCheck(device(), (x) => mean(x, { axes: 1 }), [[3, 4, 5]]);
    await gradCheck(device(), (x) => sum(x, { axes: [0, 2], keepDims: true }), [[3, 4, 5]]);
  });
});
