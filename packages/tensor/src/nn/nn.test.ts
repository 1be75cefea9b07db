import { expect, it } from "vitest";
import { input, tensor } from "../create.ts";
import { sum } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { describeDevice } from "../testing/index.ts";
import { Generator, type InitOptions } from "./init.ts";
import { BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Linear, MaxPool2d, ReLU, Sequential } from "./layers.ts";
import { Module, StateDictError } from "./module.ts";
import type { StateDict, StateEntry } from "./stateDict.ts";

class Block extends Module {
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;

  constructor(init: InitOptions) {
    super();
    this.conv = new Conv2d(2, 3, { kernelSize: 3, padding: 1, bias: false, ...init });
    this.bn = new BatchNorm2d(3, init);
  }

  override forward(x: Tensor): Tensor {
    return this.bn.apply(this.conv.forward(x), { relu: true });
  }
}

class Model extends Module {
  readonly blocks: readonly Block[];
  readonly head: Sequential;

  constructor(init: InitOptions) {
    super();
    this.blocks = [new Block(init)];
    this.head = new Sequential(
      new MaxPool2d(2),
      new ReLU(),
      new GlobalAvgPool(),
      new Flatten(),
      new Linear(3, 2, init),
    );
  }

  override forward(x: Tensor): Tensor {
    return this.head.forward(this.blocks.reduce((h, block) => block.forward(h), x));
  }
}

/** What torch gives for the same modules: `nn.ModuleList([Block()])` as blocks, `nn.Sequential(...)` as head. */
const TORCH_NAMES = {
  "blocks.0.conv.weight": [3, 2, 3, 3],
  "blocks.0.bn.weight": [3],
  "blocks.0.bn.bias": [3],
  "blocks.0.bn.running_mean": [3],
  "blocks.0.bn.running_var": [3],
  "blocks.0.bn.num_batches_tracked": [],
  "head.4.weight": [2, 3],
  "head.4.bias": [2],
};

describeDevice("modules", (device) => {
  const model = (seed: number | null = 1): Model =>
    new Model({ device: device(), generator: seed === null ? null : new Generator(seed) });

  it("names, shapes and order in a state dict are torch's", async () => {
    const state = await model().stateDict();
    expect(Object.fromEntries([...state].map(([name, { shape }]) => [name, shape]))).toEqual(TORCH_NAMES);
    expect([...state.keys()]).toEqual(Object.keys(TORCH_NAMES));
    expect(state.get("blocks.0.bn.num_batches_tracked")).toEqual({
      dtype: "i64",
      shape: [],
      data: BigInt64Array.of(0n),
    });
  });

  it("parameters are what is trained, each once", () => {
    const m = model();
    const names = m.namedParameters().map(([name]) => name);
    expect(names).toEqual(Object.keys(TORCH_NAMES).filter((name) => !/running|num_batches/.test(name)));
    expect(m.parameters().every(({ requiresGrad }) => requiresGrad)).toBe(true);
    const linear = new Linear(2, 2, { device: device(), generator: null });
    expect(new Sequential(linear, linear).parameters().length).toBe(2);
  });

  it("a state dict comes back as it was, filters in OIHW", async () => {
    const [from, to] = [model(1), model(null)];
    from.blocks[0]!.bn.numBatchesTracked.value = 7;
    const state = await from.stateDict();
    const filters = await from.blocks[0]!.conv.weight.data(); // [O][H][W][I]
    const { data } = state.get("blocks.0.conv.weight") as { data: Float32Array };
    const [o, i, h, w] = [1, 1, 2, 0];
    expect(data[((o * 2 + i) * 3 + h) * 3 + w]).toBe(filters[((o * 3 + h) * 3 + w) * 2 + i]);
    to.loadStateDict(state);
    expect(await to.stateDict()).toEqual(state);
  });

  it("a state dict that doesn't fit is refused with every name, and changes nothing", async () => {
    const m = model();
    const before = await m.stateDict();
    const state = new Map<string, StateEntry>(await model(2).stateDict());
    state.delete("blocks.0.bn.bias");
    state.set("fc.weight", { dtype: "f32", shape: [1], data: new Float32Array(1) });
    state.set("blocks.0.conv.weight", { dtype: "f32", shape: [3, 2, 1, 1], data: new Float32Array(6) });
    state.set("head.4.bias", { dtype: "f32", shape: [2], data: new Float32Array(3) });
    state.set("blocks.0.bn.num_batches_tracked", { dtype: "i64", shape: [2], data: new BigInt64Array(2) });
    expect(() => m.loadStateDict(state)).toThrow(
      new StateDictError(
        ["blocks.0.bn.bias"],
        ["fc.weight"],
        [
          "blocks.0.conv.weight [3,2,1,1] instead of [3,2,3,3]",
          "blocks.0.bn.num_batches_tracked [2] instead of []",
          "head.4.bias [2] with 3 values",
        ],
      ),
    );
    expect(() => m.loadStateDict(state)).toThrow("\n  missing: blocks.0.bn.bias\n  unexpected: fc.weight\n");
    expect(await m.stateDict()).toEqual(before);
  });

  it("a partial load takes what is there, and still refuses what is unknown", async () => {
    const m = model();
    const bias: StateDict = new Map([["head.4.bias", { dtype: "f32", shape: [2], data: Float32Array.of(5, 6) }]]);
    expect(() => m.loadStateDict(bias)).toThrow(StateDictError);
    const before = await m.stateDict((name) => name !== "head.4.bias");
    m.loadStateDict(bias, { partial: true });
    expect(await m.head.children[4]!.stateDict((name) => name === "bias")).toEqual(
      new Map([["bias", bias.get("head.4.bias")]]),
    );
    expect(await m.stateDict((name) => name !== "head.4.bias")).toEqual(before);
    const unknown: StateDict = new Map([["fc.bias", bias.get("head.4.bias")!]]);
    expect(() => m.loadStateDict(unknown, { partial: true })).toThrow("unexpected: fc.bias");
  });

  it("num_batches_tracked may be missing, as in files of old", async () => {
    const m = model();
    const state = await m.stateDict((name) => !name.endsWith("num_batches_tracked"));
    expect(() => m.loadStateDict(state)).not.toThrow();
  });

  it("train() counts batches and moves running statistics, eval() uses them as they are", async () => {
    const m = model();
    const x = tensor(new Generator(3).normal([2, 4, 4, 2]), { device: device(), shape: [2, 4, 4, 2] });
    const running = (): Promise<StateDict> => m.stateDict((name) => /running|num_batches/.test(name));
    const before = await running();
    m.eval();
    expect([...m.namedModules()].every(([, { training }]) => !training)).toBe(true);
    const [first, second] = [await m.forward(x).data(), await m.forward(x).data()];
    expect(first).toEqual(second);
    expect(await running()).toEqual(before);
    m.train();
    await m.forward(x).data();
    const after = await running();
    for (const name of after.keys()) expect(after.get(name), name).not.toEqual(before.get(name));
    expect(m.blocks[0]!.bn.numBatchesTracked.value).toBe(1);
  });

  it("dispose gives everything back, gradients too", () => {
    const { live } = device().counts;
    const m = model();
    using x = input([1, 4, 4, 2], { device: device() });
    x.write(new Float32Array(32).fill(1));
    tidy(() => sum(m.forward(x)).backward());
    m.dispose();
    x.dispose();
    expect(device().counts.live).toBe(live);
  });
});
