import { expect, it } from "vitest";
import { capture } from "./capture.ts";
import { input, tensor } from "../create.ts";
import { CaptureError, TensorError } from "../errors.ts";
import { add, mul } from "../ops/binary.ts";
import { sum } from "../ops/reduce.ts";
import { relu } from "../ops/unary.ts";
import type { Tensor } from "../tensor.ts";
import { describeDevice } from "../testing/index.ts";

describeDevice("capture", (device) => {
  it("a replay follows its inputs and allocates nothing", async () => {
    const x = input([3], { device: device() });
    const program = await capture(device(), () => sum(mul(x, add(x, 1))));
    x.write([1, 2, 3]);
    program.replay();
    expect(await program.result.item()).toBe(2 + 6 + 12);
    const before = device().counts;
    for (let i = 0; i < 5; i++) {
      x.write([i, 0, 0]);
      program.replay();
    }
    expect(device().counts).toEqual(before);
    expect(await program.result.item()).toBe(4 * 5);
  });

  it("a captured backward pass gives eager's gradients, again on every replay", async () => {
    const w = tensor([1, -2, 3], { device: device() }).requireGrad();
    const x = tensor([4, 5, 6], { device: device() });
    const f = (): ReturnType<typeof sum> => sum(relu(mul(mul(w, w), x)));
    f().backward();
    const eager = await w.grad!.data();
    w.grad!.dispose();
    w.grad = null;
    const program = await capture(device(), () => {
      const loss = f();
      loss.backward();
      return loss;
    });
    program.replay();
    program.replay();
    expect(await w.grad!.data()).toEqual(eager);
  });

  it("intermediates whose lives don't touch share a slot, and dead kernels are dropped", async () => {
    const x = input([4096], { device: device() });
    const program = await capture(device(), () => {
      relu(x); // nothing reads it
      return [..."chain"].reduce((h) => add(h, 1), x);
    });
    expect(program.kernels.length).toBe(5);
    expect(program.slotBytes).toBe(2 * 4096 * 4);
    expect(program.unsharedBytes).toBe(4 * 4096 * 4);
    x.write(new Float32Array(4096).fill(2));
    program.replay();
    expect((await program.result.data())[4095]).toBe(7);
  });

  it("refuses what a program can't hold", async () => {
    const x = input([2], { device: device() });
    await expect(capture(device(), () => tensor([1], { device: device() }))).rejects.toThrow(CaptureError);
    let inside: Tensor | null = null;
    const readings: Promise<unknown>[] = [];
    const program = await capture(device(), () => {
      inside = relu(x);
      readings.push(inside.data());
      return inside;
    });
    await expect(readings[0]).rejects.toThrow(TensorError);
    program.dispose();
    expect(device().recording).toBe(null);
    const inner = await capture(device(), () => {
      inside = mul(x, 2);
      return add(inside, 1);
    });
    expect(() => add(inside!, 1)).toThrow(TensorError);
    inner.dispose();
  });
});
