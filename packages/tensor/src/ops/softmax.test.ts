import { expect, it } from "vitest";
import { tensor, zeros } from "../create.ts";
import { TensorError } from "../errors.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { logSoftmax, softmax, softmaxCrossEntropy } from "./softmax.ts";
import { torchCase } from "./torchNumbers.ts";

describeDevice("softmax and cross-entropy", (device) => {
  for (const name of ["softmax", "softmax of three dimensions"])
    it(`${name}: result and gradient are torch's`, () => checkOp(device(), (x) => softmax(x!), torchCase(name)));

  it("logSoftmax: result and gradient are torch's", () =>
    checkOp(device(), (x) => logSoftmax(x!), torchCase("logSoftmax")));

  for (const suffix of ["", ", weights", ", smoothing", ", weights and smoothing", ", a label ignored"])
    it(`softmaxCrossEntropy${suffix}: loss and gradient are torch's`, async () => {
      const numbers = torchCase(`softmaxCrossEntropy${suffix}`);
      const ignoring = [4, 0xffff_ffff, 2];
      const labels = tensor(numbers.labels ?? ignoring, { device: device(), dtype: "u32" });
      const weights = tensor(numbers.weights!, { device: device() });
      const options = {
        ...(suffix.includes("weights") || suffix.includes("ignored") ? { weights } : {}),
        ...(suffix.includes("smoothing") ? { labelSmoothing: 0.1 } : {}),
      };
      await checkOp(device(), (x) => softmaxCrossEntropy(x!, labels, options), numbers);
    });

  it("logits of a thousand don't overflow, and a small loss shows", async () => {
    const logits = tensor([[1000, 0, 990]], { device: device() });
    const labels = tensor([0], { device: device(), dtype: "u32" });
    expect(await softmaxCrossEntropy(logits, labels).item()).toBeCloseTo(Math.log1p(Math.exp(-10)), 6);
    expect(await softmaxCrossEntropy(logits, tensor([1], { device: device(), dtype: "u32" })).item()).toBe(
      Math.fround(1000 + Math.log1p(Math.exp(-10))),
    );
  });

  it("errors name the operands and their shapes", () => {
    const logits = zeros([3, 5], { device: device() });
    const labels = zeros([3], { device: device(), dtype: "u32" });
    expect(() => softmaxCrossEntropy(logits, zeros([3], { device: device() }))).toThrow(
      new TensorError("softmaxCrossEntropy", "labels must be u32, not f32: see cast"),
    );
    expect(() => softmaxCrossEntropy(logits, zeros([5], { device: device(), dtype: "u32" }))).toThrow(
      "softmaxCrossEntropy: labels must be one a row of logits (logits [3,5], labels [5])",
    );
    expect(() => softmaxCrossEntropy(logits, labels, { weights: zeros([3], { device: device() }) })).toThrow(
      "softmaxCrossEntropy: weights must be one a class (logits [3,5], weights [3])",
    );
    expect(() => softmaxCrossEntropy(logits, labels, { labelSmoothing: 1.5 })).toThrow(
      new TensorError("softmaxCrossEntropy", "labelSmoothing must be from 0 to 1, not 1.5"),
    );
    expect(() => softmaxCrossEntropy(zeros([3], { device: device() }), labels)).toThrow(
      "softmaxCrossEntropy: logits must have 2 dimensions (logits [3])",
    );
    expect(() => softmax(zeros([], { device: device() }))).toThrow("softmax: x must have a dimension (x [])");
  });
});
