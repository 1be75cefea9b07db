import { expect, it } from "vitest";
import { tensor, zeros } from "../create.ts";
import { TensorError } from "../errors.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { argmax, mean, sum, type ReduceOptions } from "./reduce.ts";
import { torchCase } from "./torchNumbers.ts";

const CASES: Readonly<Record<string, ReduceOptions>> = {
  "": {},
  ", the middle": { axes: 1 },
  ", the last, kept": { axes: -1, keepDims: true },
  ", first and last": { axes: [2, 0] },
};

describeDevice("reductions", (device) => {
  for (const [name, op] of Object.entries({ sum, mean }))
    it(`${name} over any axes: result and gradient are torch's`, async () => {
      for (const [suffix, options] of Object.entries(CASES))
        await checkOp(device(), (x) => op(x!, options), torchCase(`${name}${suffix}`));
    });

  it("a scalar is its own sum, and over no axes nothing is added", async () => {
    expect(await sum(tensor(3, { device: device() })).item()).toBe(3);
    expect(await sum(tensor([1, 2], { device: device() }), { axes: [] }).data()).toEqual(new Float32Array([1, 2]));
  });

  it("argmax finds the first of the largest values of each row", async () => {
    const x = tensor(
      [
        [1, 5, 5],
        [-1, -3, -2],
      ],
      { device: device() },
    );
    const found = argmax(x);
    expect([found.dtype, found.shape]).toEqual(["u32", [2]]);
    expect(await found.data()).toEqual(new Uint32Array([1, 0]));
  });

  it("errors name the axes and the shape", () => {
    const x = zeros([2, 3], { device: device() });
    expect(() => sum(x, { axes: 2 })).toThrow("sum: axes [2] must be distinct and within the rank (x [2,3])");
    expect(() => mean(x, { axes: [1, -1] })).toThrow(
      "mean: axes [1,-1] must be distinct and within the rank (x [2,3])",
    );
    expect(() => argmax(zeros([], { device: device() }))).toThrow("argmax: x must have a dimension (x [])");
    expect(() => argmax(zeros([2], { device: device(), dtype: "i32" }))).toThrow(
      new TensorError("argmax", "x must be f32 or f16, not i32: see cast"),
    );
  });
});
