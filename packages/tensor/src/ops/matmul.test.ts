import { expect, it } from "vitest";
import { ones, zeros } from "../create.ts";
import { TensorError } from "../errors.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { linear, matmul } from "./matmul.ts";
import { torchCase } from "./torchNumbers.ts";

const CASES = {
  matmul: {},
  "matmul, a transposed": { transposeA: true },
  "matmul, b transposed": { transposeB: true },
  "matmul, both transposed": { transposeA: true, transposeB: true },
} as const;

describeDevice("matmul and linear", (device) => {
  for (const [name, options] of Object.entries(CASES))
    it(`${name}: result and both gradients are torch's`, () =>
      checkOp(device(), (a, b) => matmul(a!, b!, options), torchCase(name)));

  for (const name of ["linear", "linear, bias"])
    it(`${name}: result and gradients are torch's`, () =>
      checkOp(device(), (x, w, bias) => linear(x!, w!, bias), torchCase(name)));

  it("a matrix times itself gets the gradient of both sides", async () => {
    const a = ones([1, 1], { device: device() }).requireGrad();
    matmul(a, a).backward();
    expect(await a.grad!.item()).toBe(2);
  });

  it("errors name the operands and their shapes", () => {
    const of = (...shape: number[]) => zeros(shape, { device: device() });
    expect(() => matmul(of(2, 3), of(2, 3))).toThrow(
      "matmul: the inner sizes 3 and 2 must be equal (a [2,3], b [2,3])",
    );
    expect(() => matmul(of(2, 3), of(2, 3), { transposeA: true, transposeB: true })).toThrow(
      "matmul: the inner sizes 2 and 3 must be equal (a [2,3], b [2,3])",
    );
    expect(() => matmul(of(2, 3), of(3))).toThrow("matmul: b must have 2 dimensions (b [3])");
    expect(() => linear(of(2, 3), of(5, 4))).toThrow("linear: x has 3 features but w expects 4 (x [2,3], w [5,4])");
    expect(() => linear(of(2, 3), of(5, 3), of(3))).toThrow(
      "linear: the bias must have 5 elements (w [5,3], bias [3])",
    );
    expect(() => linear(of(3), of(5, 3))).toThrow("linear: x must have 2 dimensions (x [3])");
    expect(() => matmul(of(2, 3), zeros([3, 2], { device: device(), dtype: "i32" }))).toThrow(
      new TensorError("matmul", "b must be f32 or f16, not i32: see cast"),
    );
  });
});
