import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { expectClose } from "@fracture/kernels/testing";
import { capture } from "../capture/capture.ts";
import { tensor, zeros } from "../create.ts";
import { CaptureError, TensorError } from "../errors.ts";
import { add, mul } from "../ops/binary.ts";
import { sum } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { describeDevice } from "../testing/index.ts";
import { Adam, AdamW, SGD, type Optimizer, type ParameterGroup } from "./index.ts";

interface TorchNumbers {
  readonly start: readonly number[];
  readonly grads: readonly (readonly number[])[];
  /** The parameter after every step, by setting. */
  readonly results: Readonly<Record<string, readonly (readonly number[])[]>>;
}

const torch = JSON.parse(readFileSync(new URL("torch.json", import.meta.url), "utf8")) as TorchNumbers & {
  readonly groups: readonly (readonly number[])[];
};

type Parameters = readonly Tensor[] | readonly ParameterGroup[];

/** The settings of makeTorchNumbers.py. */
const SETTINGS: Readonly<Record<string, (p: Parameters) => Optimizer>> = {
  adam: (p) => new Adam(p, { lr: 1e-2 }),
  "adam, weight decay": (p) => new Adam(p, { lr: 3e-3, weightDecay: 0.1 }),
  "adam, betas and eps": (p) => new Adam(p, { lr: 1e-2, betas: [0.8, 0.95], eps: 1e-3 }),
  adamw: (p) => new AdamW(p, { lr: 1e-2 }),
  sgd: (p) => new SGD(p, { lr: 0.1, weightDecay: 0.05 }),
  "sgd, momentum": (p) => new SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 1e-2 }),
  "sgd, nesterov": (p) => new SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true }),
};
const CLOSE = { rtol: 2e-6, atol: 2e-7 };

describeDevice("optimisers", (device) => {
  const leaf = (values: readonly number[]): Tensor => tensor(values, { device: device() }).requireGrad();
  const gradient = (values: readonly number[]): Tensor => tensor(values, { device: device() });

  /** One step whose gradient is `g`. */
  function step(optimizer: Optimizer, w: Tensor, g: Tensor): void {
    optimizer.zeroGrad();
    sum(mul(w, g)).backward();
    optimizer.step();
  }

  for (const [name, make] of Object.entries(SETTINGS))
    it(`${name}: ten steps are torch's, eager and captured`, async () => {
      const expected = torch.results[name]!;
      const w = leaf(torch.start);
      const g = gradient(torch.grads[0]!);
      using optimizer = make([w]);
      for (const [i, grads] of torch.grads.entries()) {
        g.write(grads);
        tidy(() => step(optimizer, w, g));
        expectClose(await w.data(), expected[i]!, CLOSE);
      }
      const eager = await w.data();
      const v = leaf(torch.start);
      using again = make([v]);
      const program = await capture(device(), () => step(again, v, g));
      for (const grads of torch.grads) {
        g.write(grads);
        program.replay();
      }
      expect(await v.data()).toEqual(eager);
      expect([optimizer.steps, again.steps]).toEqual([10, 10]);
    });

  it("groups have rates and decays of their own, which change between replays as torch's do between steps", async () => {
    const [w, v] = [leaf(torch.start), leaf(torch.start)];
    const g = gradient(torch.grads[0]!);
    const groups = [{ parameters: [w], lr: 1e-3 }, { parameters: [] }, { parameters: [v], weightDecay: 0.1 }];
    using adam = new Adam(groups, { lr: 1e-2 });
    expect(adam.learningRates).toEqual([1e-3, 1e-2]);
    const program = await capture(device(), () => {
      adam.zeroGrad();
      sum(mul(add(w, v), g)).backward();
      adam.step();
    });
    for (const [i, grads] of torch.grads.entries()) {
      if (i === 5) adam.learningRates = adam.learningRates.map((lr) => lr / 10);
      g.write(grads);
      program.replay();
    }
    expectClose(await w.data(), torch.groups[0]!, CLOSE);
    expectClose(await v.data(), torch.groups[1]!, CLOSE);
  });

  it("moments and step count carry a run on to the last bit in another optimiser", async () => {
    const [w, v] = [leaf(torch.start), leaf(torch.start)];
    const g = gradient(torch.grads[0]!);
    const take = (optimizer: Optimizer, parameter: Tensor, i: number): void => {
      g.write(torch.grads[i]!);
      tidy(() => step(optimizer, parameter, g));
    };
    using first = new Adam([w]);
    for (let i = 0; i < 4; i++) take(first, w, i);
    v.write(Array.from(await w.data()));
    using second = new Adam([v]);
    const moments = await first.readMoments(w);
    expect([...moments.keys()]).toEqual(["m", "v"]);
    second.writeMoments(v, moments);
    second.steps = first.steps;
    take(first, w, 4);
    take(second, v, 4);
    expect(await v.data()).toEqual(await w.data());
    expect(await second.readMoments(v)).toEqual(await first.readMoments(w));
  });

  it("moments that don't fit are refused, and none is written", async () => {
    const [w, v] = [leaf([1, 2]), leaf([3])];
    using adam = new Adam([w]);
    tidy(() => step(adam, w, gradient([1, 1])));
    const before = await adam.readMoments(w);
    const bad = new Map([["m", new Float32Array(2)] as const, ["v", new Float32Array(3)] as const]);
    expect(() => adam.writeMoments(w, bad)).toThrow(new TensorError("writeMoments", "v is missing or of another size"));
    expect(await adam.readMoments(w)).toEqual(before);
    expect(() => adam.writeMoments(v, before)).toThrow(
      new TensorError("optimizer", "the parameter is not this optimiser's"),
    );
  });

  it("dispose gives every parameter memory of its own, with its values, and frees the rest", async () => {
    const { live } = device().counts;
    const [w, v, gone] = [leaf([1, 2]), leaf([3]), leaf([4])];
    const sgd = new SGD([w, v, gone], { lr: 1, momentum: 0.9 });
    tidy(() => {
      sgd.zeroGrad();
      add(add(sum(w), sum(v)), sum(gone)).backward();
      sgd.step();
    });
    gone.dispose();
    sgd.dispose();
    sgd.dispose();
    expect(device().counts.live).toBe(live + 2);
    expect([await w.data(), await v.data(), w.grad, v.grad]).toEqual([
      new Float32Array([0, 1]),
      new Float32Array([2]),
      null,
      null,
    ]);
    expect(() => sgd.step()).toThrow(new TensorError("optimizer.step", "the optimiser was disposed of"));
    using next = new SGD([w, v], { lr: 1 }); // they are free to be another's
    expect(next.learningRates).toEqual([1]);
    next.dispose();
    w.dispose();
    v.dispose();
    expect(device().counts.live).toBe(live);
  });

  it("without zeroGrad gradients add up, with it they start anew", async () => {
    const w = leaf([1]);
    using sgd = new SGD([w], { lr: 1 });
    tidy(() => {
      sum(mul(w, 2)).backward();
      sum(mul(w, 3)).backward();
    });
    expect(await w.grad!.item()).toBe(5);
    sgd.zeroGrad();
    expect(w.grad).toBe(null);
    tidy(() => sum(mul(w, 7)).backward());
    expect(await w.grad!.item()).toBe(7);
  });

  it("names the parameters that have no gradient, and changes nothing", async () => {
    const [w, v, u] = [leaf([1, 2]), leaf([3]), leaf([4])];
    using sgd = new SGD([{ parameters: [w] }, { parameters: [v, u] }], { lr: 1 });
    tidy(() => sum(v).backward());
    expect(() => sgd.step()).toThrow(
      "optimizer.step: parameter 0 of group 0 [2], parameter 1 of group 1 [1] have no gradient: " +
        "the loss does not depend on it, it is frozen, or backward() was not called",
    );
    expect(await v.item()).toBe(3);
    expect(sgd.steps).toBe(0);
  });

  it("refuses what it can't optimise, by place", () => {
    const [w, v] = [leaf([1]), leaf([2])];
    const refused = (why: string): TensorError => new TensorError("optimizer", why);
    const make = (p: Parameters, lr = 1) => new SGD(p, { lr });
    expect(() => make([])).toThrow(refused("there are no parameters"));
    expect(() => make([w, v, w])).toThrow(refused("parameter 2 of group 0 [1] is given twice"));
    expect(() => make([mul(w, 2)])).toThrow(refused("parameter 0 of group 0 [1] is the result of an op, no leaf"));
    expect(() => make([zeros([2], { device: device(), dtype: "u32" })])).toThrow(
      refused("parameter 0 of group 0 [2] must be f32, not u32"),
    );
    expect(() => make([w], NaN)).toThrow(refused("group 0's learning rate must be a number from 0 up, not NaN"));
    using sgd = make([w]);
    expect(() => make([{ parameters: [v] }, { parameters: [w] }])).toThrow(
      refused("parameter 0 of group 1 [1] belongs to another optimiser that was not disposed of"),
    );
    expect(() => (sgd.learningRates = [1, 2])).toThrow(refused("needs 1 learning rates, got 2"));
    expect(() => (sgd.learningRates = [-1])).toThrow(
      refused("group 0's learning rate must be a number from 0 up, not -1"),
    );
    expect(sgd.learningRates).toEqual([1]);
    v.dispose();
    expect(() => make([v])).toThrow(refused("parameter 0 of group 0 [1] was disposed of"));
  });

  it("is made outside of what is captured", async () => {
    const w = leaf([1]);
    await expect(capture(device(), () => new Adam([w]))).rejects.toThrow(CaptureError);
    using adam = new Adam([w]);
    expect(adam.steps).toBe(0);
  });
});
