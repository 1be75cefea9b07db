import { expect, it } from "vitest";
import { tensor } from "../create.ts";
import { TensorError } from "../errors.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { torchCase } from "./torchNumbers.ts";
import * as unary from "./unary.ts";

describeDevice("unary ops", (device) => {
  for (const [name, op] of Object.entries(unary))
    it(`${name}: result and gradient are torch's`, async () => {
      // sqrt and exp of a GPU may be a few units in the last place off
      await checkOp(device(), op, torchCase(name), { tolerance: { rtol: 2e-5, atol: 2e-6 } });
    });

  it("relu's and abs's derivative at 0 is 0, as torch's", async () => {
    for (const op of [unary.relu, unary.abs]) {
      const x = tensor([0], { device: device() }).requireGrad();
      op(x).backward();
      expect(await x.grad!.item()).toBe(0);
    }
  });

  it("numbers that are no f32 are refused by name", () => {
    const x = tensor([1, 2], { device: device(), dtype: "u32" });
    expect(() => unary.relu(x)).toThrow(new TensorError("relu", "x must be f32 or f16, not u32: see cast"));
  });
});
