import { expect, it } from "vitest";
import { tensor, zeros } from "../create.ts";
import { TensorError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { add, addRelu, affine, div, equal, greater, less, maximum, minimum, mul, sub } from "./binary.ts";
import { sum } from "./reduce.ts";
import { torchCase } from "./torchNumbers.ts";

const SUFFIXES = ["", ", a row", ", a column", ", both repeated", ", a scalar"];

describeDevice("binary ops", (device) => {
  for (const [name, op] of Object.entries({ add, sub, mul, div, maximum, minimum }))
    it(`${name}, with every way of broadcasting: result and gradients are torch's`, async () => {
      for (const suffix of SUFFIXES) await checkOp(device(), (a, b) => op(a!, b!), torchCase(`${name}${suffix}`));
    });

  it("addRelu, affine and a number as the second operand: result and gradients are torch's", async () => {
    await checkOp(device(), (a, b) => addRelu(a!, b!), torchCase("addRelu"));
    await checkOp(device(), (x) => affine(x!, { scale: -2.5, shift: 0.5 }), torchCase("affine"));
    await checkOp(device(), (x) => maximum(x!, 0.25), torchCase("maximum of a number"));
  });

  it("numbers stand for tensors of one value", async () => {
    const x = tensor([1, -2, 4], { device: device() });
    const values = async (op: typeof add): Promise<number[]> => Array.from(await op(x, 2).data());
    expect(await values(add)).toEqual([3, 0, 6]);
    expect(await values(sub)).toEqual([-1, -4, 2]);
    expect(await values(mul)).toEqual([2, -4, 8]);
    expect(await values(div)).toEqual([0.5, -1, 2]);
    expect(await values(minimum)).toEqual([1, -2, 2]);
    expect(await values(greater)).toEqual([0, 0, 1]);
    expect(await values(less)).toEqual([1, 1, 0]);
    expect(await values(equal)).toEqual([0, 0, 0]);
  });

  it("of equal operands each gets half the gradient of maximum and minimum, as torch's", async () => {
    for (const op of [maximum, minimum]) {
      const [a, b] = [tensor([1], { device: device() }).requireGrad(), tensor([1], { device: device() }).requireGrad()];
      op(a, b).backward();
      expect([await a.grad!.item(), await b.grad!.item()]).toEqual([0.5, 0.5]);
    }
  });

  it("comparisons pass no gradient", () => {
    const x = tensor([1, 2], { device: device() }).requireGrad();
    for (const compare of [greater, less, equal]) expect(compare(x, 1).requiresGrad).toBe(false);
  });

  it("a number as an operand leaves no buffer behind", () => {
    const x = tensor([1, 2], { device: device() }).requireGrad();
    const { live } = device().counts;
    tidy(() => void sum(maximum(x, 0)));
    maximum(x, 0).dispose();
    expect(device().counts.live).toBe(live);
  });

  it("errors name the operands and their shapes", () => {
    const [a, b] = [zeros([2, 3], { device: device() }), zeros([2], { device: device() })];
    expect(() => add(a, b)).toThrow("add: shapes can't be broadcast together (a [2,3], b [2])");
    expect(() => addRelu(a, b)).toThrow("addRelu: a and b must have the same shape (a [2,3], b [2])");
    const integers = zeros([2, 3], { device: device(), dtype: "u32" });
    expect(() => equal(a, integers)).toThrow(new TensorError("equal", "b must be f32 or f16, not u32: see cast"));
    expect(() => mul(integers, 2)).toThrow(new TensorError("affine", "x must be f32 or f16, not u32: see cast"));
    b.dispose();
    expect(() => add(a, b)).toThrow(new TensorError("add", "the tensor was disposed of"));
  });
});
