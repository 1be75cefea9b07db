import { expect, it, vi } from "vitest";
import { input, tensor, zeros } from "../create.ts";
import { openDevice } from "../device.ts";
import { CaptureError, TensorError } from "../errors.ts";
import { BatchNorm2d, Linear } from "../nn/layers.ts";
import { Adam, SGD } from "../optim/index.ts";
import { add, mul } from "../ops/binary.ts";
import { sum } from "../ops/reduce.ts";
import { reshape } from "../ops/shape.ts";
import { relu } from "../ops/unary.ts";
import { keep } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { describeDevice } from "../testing/index.ts";
import { capture } from "./capture.ts";

const MOVED =
  "replay: a tensor that the program uses was disposed of, or moved by an optimiser that was made or disposed of " +
  "after the capture: capture again";

describeDevice("a program", (device) => {
  const vector = (...values: number[]): Tensor => tensor(values, { device: device() });

  it("returns inputs, views and one tensor twice, with one buffer for what shares memory", async () => {
    const x = vector(1, 2, 3, 4);
    const { live } = device().counts;
    const program = await capture(device(), () => {
      const y = add(x, 1);
      return { x, twice: [y, y], view: reshape(y, [2, 2]), nested: { detached: y.detach() } };
    });
    expect(device().counts.live).toBe(live + 1);
    program.replay();
    const { twice, view, nested } = program.result;
    expect(program.result.x).toBe(x);
    for (const t of [...twice, view, nested.detached]) expect(await t.data()).toEqual(new Float32Array([2, 3, 4, 5]));
    for (const t of [...twice, view, nested.detached]) t.dispose();
    program.dispose();
    expect(device().counts.live).toBe(live);
  });

  it("returns results without a history: backward belongs inside", async () => {
    const w = vector(2).requireGrad();
    const program = await capture(device(), () => sum(mul(w, w)));
    expect(program.result.requiresGrad).toBe(false);
    expect(() => program.result.backward()).toThrow(
      new TensorError("backward", "nothing that the loss depends on requires a gradient"),
    );
  });

  it("refuses to run once a tensor that it reads or writes was disposed of", async () => {
    const [x, y] = [vector(1), vector(2)];
    const program = await capture(device(), () => add(x, y));
    program.replay();
    y.dispose();
    expect(() => program.replay()).toThrow(new CaptureError(MOVED));
    const other = await capture(device(), () => relu(x));
    other.result.dispose();
    expect(() => other.replay()).toThrow(new CaptureError(MOVED));
    other.dispose();
    expect(() => other.replay()).toThrow(new CaptureError("replay: the program was disposed of"));
  });

  it("refuses to run once its parameters have moved into an optimiser, or out of it", async () => {
    const model = new Linear(3, 2, { device: device(), generator: null });
    const x = zeros([1, 3], { device: device() });
    const before = await capture(device(), () => model.forward(x));
    const adam = new Adam(model.parameters());
    expect(() => before.replay()).toThrow(new CaptureError(MOVED));
    const between = await capture(device(), () => model.forward(x));
    between.replay();
    adam.dispose();
    expect(() => between.replay()).toThrow(new CaptureError(MOVED));
  });

  it("keeps steps whose only effect is outside: running statistics and the count of batches", async () => {
    const bn = new BatchNorm2d(2, { device: device() });
    const x = tensor(
      [
        [0, 0],
        [2, 4],
      ],
      { device: device() },
    );
    const program = await capture(device(), () => void bn.forward(x));
    expect(program.kernels.length).toBe(1);
    expect(bn.numBatchesTracked.value).toBe(0);
    for (let i = 0; i < 3; i++) program.replay();
    expect(bn.numBatchesTracked.value).toBe(3);
    expect(await bn.runningMean.tensor.data()).toEqual(Float32Array.from([1, 2], (mean) => mean * (1 - 0.9 ** 3)));
  });

  it("writes gradients straight into the optimiser's buffer, and follows its learning rate", async () => {
    const w = vector(1, 2).requireGrad();
    const sgd = new SGD([w], { lr: 0.5 });
    const program = await capture(device(), () => {
      sgd.zeroGrad();
      sum(mul(w, w)).backward(); // dw = 2 w
      sgd.step();
    });
    expect(program.copies).toBe(0);
    program.replay();
    expect(await w.data()).toEqual(new Float32Array([0, 0]));
    w.write([1, 2]);
    sgd.learningRates = [0.25];
    program.replay();
    expect(await w.data()).toEqual(new Float32Array([0.5, 1]));
    expect(sgd.steps).toBe(2);
  });

  it("compiles all missing pipelines at the same time, and none later", async () => {
    const own = await openDevice();
    const compile = vi.spyOn(own.gpu, "createComputePipelineAsync");
    const late = vi.spyOn(own.gpu, "createComputePipeline");
    const x = input([4], { device: own });
    const capturing = capture(own, () => [add(x, 1), relu(x), relu(mul(x, x)), sum(x)]);
    expect(compile).toHaveBeenCalledTimes(4); // before any is ready; relu's is one
    const program = await capturing;
    x.write([1, -2, 3, 4]);
    program.replay();
    expect(await program.result[3]!.item()).toBe(6);
    expect([compile.mock.calls.length, late.mock.calls.length, own.counts.pipelines]).toEqual([4, 0, 4]);
    own.close();
  });

  it("refuses host values, readbacks, other programs and asynchronous functions inside", async () => {
    const x = input([1], { device: device() });
    const other = await capture(device(), () => relu(x));
    const refused = async (fn: () => unknown, error: Error | string | typeof CaptureError): Promise<void> => {
      await expect(capture(device(), fn)).rejects.toThrow(error);
      expect(device().recording).toBe(null);
    };
    await refused(() => x.write([1]), CaptureError);
    await refused(() => tensor([1], { device: device() }), CaptureError);
    await refused(() => other.replay(), new CaptureError("replay: a program can't be part of another"));
    await refused(() => new SGD([x], { lr: 1 }), CaptureError);
    await refused(async () => relu(x), "tidy: the function must not be asynchronous");
    await refused(() => add(x, reshape(x, [2])), "reshape: the number of elements must stay");
    x.write([-2]);
    expect(await relu(x).item()).toBe(0);
  });

  it("a function that throws leaves neither gradients nor memory behind", async () => {
    const [w, v] = [vector(1).requireGrad(), vector(2).requireGrad()];
    const { live } = device().counts;
    const program = capture(device(), () => {
      mul(w, w).backward();
      throw new RangeError("mine");
    });
    await expect(program).rejects.toThrow(RangeError);
    expect([w.grad, v.grad, device().counts.live]).toEqual([null, null, live]);
    mul(w, v).backward();
    expect([await w.grad!.item(), await v.grad!.item()]).toEqual([2, 1]);
  });

  it("an intermediate that was kept is refused outside, where its memory is another's by then", async () => {
    const x = vector(1, 2);
    let inner: Tensor | null = null;
    const program = await capture(device(), () => {
      inner = keep(mul(x, 2));
      return add(inner, 1);
    });
    program.replay();
    expect(() => add(inner!, 1)).toThrow(CaptureError);
    await expect(inner!.data()).rejects.toThrow(
      "this tensor existed only inside capture(): return it from the captured function to keep it",
    );
    await expect(capture(device(), () => add(inner!, 1))).rejects.toThrow("belongs to another captured function");
  });
});
