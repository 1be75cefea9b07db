import { expect, it } from "vitest";
import { full, input, ones, tensor, zeros } from "./create.ts";
import { ShapeError } from "./errors.ts";
import { add } from "./ops/binary.ts";
import { describeDevice } from "./testing/index.ts";

describeDevice("new tensors", (device) => {
  it("take their shape from nested arrays, typed arrays, or an option", async () => {
    const x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { device: device() },
    );
    expect([x.shape, x.size, x.bytes, x.dtype]).toEqual([[2, 3], 6, 24, "f32"]);
    expect(await x.data()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(tensor(7, { device: device() }).shape).toEqual([]);
    expect(tensor(new Float32Array(4), { device: device() }).shape).toEqual([4]);
    expect(tensor([1, 2, 3, 4], { device: device(), shape: [2, 2] }).shape).toEqual([2, 2]);
  });

  it("hold one value in any type", async () => {
    expect(await zeros([2], { device: device() }).data()).toEqual(new Float32Array(2));
    expect(await ones([3], { device: device(), dtype: "i32" }).data()).toEqual(new Int32Array([1, 1, 1]));
    expect(await full([2], 7, { device: device(), dtype: "u32" }).data()).toEqual(new Uint32Array([7, 7]));
    expect(await full([3], -0.5, { device: device(), dtype: "f16" }).data()).toEqual(new Float32Array(3).fill(-0.5));
  });

  it("are read as they were when the reading was asked for", async () => {
    const x = tensor([1, 2], { device: device() });
    const before = x.data();
    x.write([3, 4]);
    const after = add(x, 1).data();
    expect([await before, await after]).toEqual([new Float32Array([1, 2]), new Float32Array([4, 5])]);
  });

  it("refuse shapes and values that don't fit, by name", async () => {
    expect(() => tensor([[1, 2], [3]], { device: device() })).toThrow(
      "tensor: rows must have equal sizes (first [2], other [1])",
    );
    expect(() => tensor([], { device: device() })).toThrow("tensor: empty arrays are not supported (shape [0])");
    expect(() => tensor([1, 2, 3], { device: device(), shape: [2, 2] })).toThrow("tensor: got 3 values (shape [2,2])");
    for (const make of [zeros, ones, input])
      for (const shape of [[0], [-1, 2], [1.5], [NaN]])
        expect(() => make(shape, { device: device() })).toThrow(ShapeError);
    expect(() => zeros([-1], { device: device(), dtype: "u32" })).toThrow(ShapeError);
    const x = zeros([2, 2], { device: device() });
    expect(() => x.write([1])).toThrow("write: needs 4 values, got 1 (x [2,2])");
    expect(() => x.view([3])).toThrow("view: the number of elements must stay (from [2,2], to [3])");
    await expect(x.item()).rejects.toThrow("item: the tensor must have one element (x [2,2])");
    expect(() => x.requireGrad().backward()).toThrow("backward: the loss must have one element (loss [2,2])");
  });
});
