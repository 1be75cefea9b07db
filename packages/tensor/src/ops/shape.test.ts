import { expect, it } from "vitest";
import { tensor, zeros } from "../create.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { permute, reshape, transpose } from "./shape.ts";
import { torchCase } from "./torchNumbers.ts";

describeDevice("shape ops", (device) => {
  it("reshape, permute and transpose: result and gradient are torch's", async () => {
    await checkOp(device(), (x) => reshape(x!, [4, -1]), torchCase("reshape"));
    await checkOp(device(), (x) => permute(x!, [1, 2, 0]), torchCase("permute"));
    await checkOp(device(), (x) => transpose(x!), torchCase("transpose"));
    await checkOp(device(), (x) => transpose(x!, 0, 2), torchCase("transpose, named"));
  });

  it("integers move too", async () => {
    const x = tensor([[1, -2, 3]], { device: device(), dtype: "i32" });
    expect(await transpose(reshape(x, [3, 1])).data()).toEqual(new Int32Array([1, -2, 3]));
  });

  it("reshape shares memory, so that both see what is written", async () => {
    const x = zeros([2, 2], { device: device() });
    const { live } = device().counts;
    const flat = reshape(x, [-1]);
    expect(device().counts.live).toBe(live);
    x.write([1, 2, 3, 4]);
    x.dispose();
    expect(await flat.data()).toEqual(new Float32Array([1, 2, 3, 4]));
  });

  it("errors name the rule and the shapes", () => {
    const x = zeros([2, 3], { device: device() });
    const rule = "reshape: the number of elements must stay";
    expect(() => reshape(x, [4, -1])).toThrow(`${rule} (x [2,3], shape [4,-1])`);
    expect(() => reshape(x, [-1, -1])).toThrow(`${rule} (x [2,3], shape [-1,-1])`);
    expect(() => reshape(x, [7])).toThrow(`${rule} (x [2,3], shape [7])`);
    expect(() => reshape(x, [-2, -3])).toThrow(
      "reshape: every size must be a positive integer, but for one -1 (x [2,3], shape [-2,-3])",
    );
    expect(() => permute(x, [0, 0])).toThrow("permute: [0,0] must name every dimension once (x [2,3])");
    expect(() => transpose(x, 0, 2)).toThrow("transpose: x has no axes 0 and 2 (x [2,3])");
    expect(() => transpose(zeros([2], { device: device() }))).toThrow("transpose: x has no axes -2 and -1 (x [2])");
  });
});
