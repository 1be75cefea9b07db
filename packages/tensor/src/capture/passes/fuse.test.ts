import { expect, it } from "vitest";
import { randomNormal } from "@fracture/kernels/testing";
import { noGrad } from "../../autograd/noGrad.ts";
import { input } from "../../create.ts";
import { openDevice, type Device } from "../../device.ts";
import { BatchNorm2d, Conv2d, GlobalAvgPool, Linear, Sequential } from "../../nn/layers.ts";
import { Module } from "../../nn/module.ts";
import { SGD } from "../../optim/index.ts";
import { softmaxCrossEntropy } from "../../ops/softmax.ts";
import type { Data, Tensor } from "../../tensor.ts";
import { describeDevice } from "../../testing/index.ts";
import { capture } from "../capture.ts";
import type { Program } from "../program.ts";
import { FUSIONS, type Fusion } from "./fuse.ts";

const convolution = (c: number, k: number, size: number, stride: number, device: Device): Conv2d =>
  new Conv2d(c, k, { kernelSize: size, stride, padding: (size - 1) / 2, bias: false, device, generator: null });

/** As ResNet-18's: two 3x3 convolutions and a shortcut, which is projected where the size changes. */
class Block extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly shortcut: Sequential | null;

  constructor(c: number, k: number, stride: number, device: Device) {
    super();
    this.conv1 = convolution(c, k, 3, stride, device);
    this.bn1 = new BatchNorm2d(k, { device });
    this.conv2 = convolution(k, k, 3, 1, device);
    this.bn2 = new BatchNorm2d(k, { device });
    this.shortcut =
      stride === 1 ? null : new Sequential(convolution(c, k, 1, stride, device), new BatchNorm2d(k, { device }));
  }

  override forward(x: Tensor): Tensor {
    const h = this.bn1.apply(this.conv1.forward(x), { relu: true });
    return this.bn2.apply(this.conv2.forward(h), { relu: true, residual: this.shortcut?.forward(x) ?? x });
  }
}

class Net extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly blocks: Sequential;
  readonly pool = new GlobalAvgPool();
  readonly fc: Linear;

  /** Without the block with a projected shortcut where a GPU's many pipelines would take a software device long to compile. */
  constructor(device: Device) {
    super();
    const small = device.limits.deviceClass === "gpu";
    this.conv1 = convolution(3, 8, 3, 1, device);
    this.bn1 = new BatchNorm2d(8, { device });
    this.blocks = new Sequential(new Block(8, 8, 1, device), ...(small ? [] : [new Block(8, 20, 2, device)]));
    this.fc = new Linear(small ? 8 : 20, 5, { device, generator: null });
  }

  override forward(x: Tensor): Tensor {
    const stem = this.bn1.apply(this.conv1.forward(x), { relu: true });
    return this.fc.forward(this.pool.forward(this.blocks.forward(stem)));
  }

  /** Random weights and statistics, the same every time. */
  seed(): this {
    for (const [i, parameter] of this.parameters().entries()) {
      const spread = parameter.shape.length > 1 ? 0.3 : 0.5;
      const centre = parameter.shape.length > 1 ? 0 : 1;
      parameter.write(randomNormal(parameter.size, i).map((v) => centre + spread * v));
    }
    for (const module of modulesOf(this)) {
      if (!(module instanceof BatchNorm2d)) continue;
      const { runningMean, runningVar } = module;
      runningMean.tensor.write(randomNormal(runningMean.tensor.size, 50).map((v) => 0.2 * v));
      runningVar.tensor.write(randomNormal(runningVar.tensor.size, 51).map((v) => 0.5 + v * v));
    }
    return this;
  }
}

const modulesOf = (model: Module): Module[] => [...model.namedModules()].map(([, module]) => module);

/** Beside the operands' rounding a relu could turn: none does for these numbers, or no tolerance would do. */
function expectSame(actual: readonly Data[], expected: readonly Data[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, values] of expected.entries()) {
    // Values are rounded at 2^-24, some of them a hundred sums deep; gradients behind a batch norm are what its two means
    // leave, here down to a hundredth of the terms.
    let [size, error] = [0, 0];
    for (const [at, value] of values.entries()) {
      size = Math.max(size, Math.abs(value));
      error = Math.max(error, Math.abs(value - actual[i]![at]!));
    }
    expect(error, `tensor ${i}, whose largest value is ${size}`).toBeLessThanOrEqual(1e-4 * size);
  }
}

/** What a GPU's plans make of it, on a software device. */
async function openAs(deviceClass: "cpu" | "gpu"): Promise<Device> {
  const device = await openDevice();
  return Object.assign(device, { limits: { ...device.limits, deviceClass } });
}

async function training(device: Device, fuse: boolean | readonly Fusion[], batch = 4) {
  const model = new Net(device).seed().train();
  const images = input([batch, 9, 11, 3], { device });
  const labels = input([batch], { device, dtype: "u32" });
  images.write(randomNormal(images.size, 77));
  labels.write([0, 3, 1, 4].slice(0, batch));
  const sgd = new SGD(model.parameters(), { lr: 0 });
  const program: Program<Tensor> = await capture(
    device,
    () => {
      sgd.zeroGrad();
      const loss = softmaxCrossEntropy(model.forward(images), labels);
      loss.backward();
      sgd.step();
      return loss;
    },
    { fuse },
  );
  const values = async (): Promise<Data[]> => {
    program.replay();
    const tensors = [program.result, ...model.parameters().map(({ grad }) => grad!)];
    for (const module of modulesOf(model))
      if (module instanceof BatchNorm2d) tensors.push(module.runningMean.tensor, module.runningVar.tensor);
    const all: Data[] = [];
    for (const t of tensors) all.push(await t.data());
    return all;
  };
  return { program, values };
}

describeDevice("fused programs", (device) => {
  const labelsOf = ({ kernels }: Program<unknown>): string[] =>
    kernels.flatMap(({ plan }) => plan.passes.map(({ label }) => label));

  it("train as the unfused one does, with each fusion alone and with all", async () => {
    const unfused = await training(device(), false);
    const expected = await unfused.values();
    for (const fusion of FUSIONS) expectSame(await (await training(device(), [fusion])).values(), expected);
    const fused = await training(device(), true);
    expectSame(await fused.values(), expected);
    // Batch norm: one dispatch in place of three, both ways; no sums of gradients; what two 3x3 convolutions lay out, twice.
    expect(labelsOf(unfused.program).filter((label) => label.endsWith("moments")).length).toBe(6);
    expect(labelsOf(fused.program).filter((label) => /moments|sums|parameters$/.test(label))).toEqual([]);
    expect(fused.program.kernels.filter(({ plan }) => plan.name.startsWith("add "))).toEqual([]);
    expect(unfused.program.dispatches - fused.program.dispatches).toBe(6 * 2 + 6 * 2 + 2 + 3 + 2 * 2);
    expect(fused.program.unsharedBytes).toBeLessThan(unfused.program.unsharedBytes);
  });

  it("add gradients in place to the same bits", async () => {
    const [plain, inPlace] = [await training(device(), false), await training(device(), ["accumulateProducts"])];
    expect(inPlace.program.dispatches).toBe(plain.program.dispatches - 2 - 3); // two sums, three phases that only wrote zeros
    expect(await inPlace.values()).toEqual(await plain.values());
  });

  it("train on a GPU's plans as the unfused one does", async () => {
    const gpu = await openAs("gpu");
    const expected = await (await training(gpu, false)).values();
    const { program, values } = await training(gpu, true);
    expectSame(await values(), expected);
    expect(labelsOf(program).filter((label) => label.endsWith("moments"))).toEqual([]);
    expect(program.kernels.filter(({ plan }) => plan.name.startsWith("add "))).toEqual([]);
    gpu.close();
  });

  it("compile nothing for a smaller batch, and create nothing in a replay", async () => {
    await training(device(), true);
    const { pipelines } = device().counts;
    const { program, values } = await training(device(), true, 3);
    expect(device().counts.pipelines).toBe(pipelines);
    await values();
    const before = device().counts;
    program.replay();
    expect(device().counts).toEqual(before);
  });

  it("infer as the unfused one does, without a kernel for batch norm, and follow weights that change", async () => {
    for (const deviceClass of ["cpu", "gpu"] as const) {
      const own = await openAs(deviceClass);
      const model = new Net(own).seed().eval();
      const images = input([2, 9, 11, 3], { device: own });
      images.write(randomNormal(images.size, 78));
      const infer = () => noGrad(() => model.forward(images));
      const [plain, fused] = [await capture(own, infer, { fuse: false }), await capture(own, infer)];
      const convolutions = modulesOf(model).filter((module) => module instanceof Conv2d);
      expect(fused.kernels.map(({ plan }) => plan.name.split(" ")[0])).toEqual([
        ...convolutions.map(() => "conv2d.forward"),
        "globalAveragePool",
        "matmul",
      ]);
      for (const gain of [1, 0.5]) {
        model.bn1.weight.write(new Float32Array(8).fill(gain));
        for (const program of [plain, fused]) program.replay();
        expectSame([await fused.result.data()], [await plain.result.data()]);
      }
      own.close();
    }
  });

  it("leave a convolution alone whose result another reads, or the program returns", async () => {
    const model = new Net(device()).seed().eval();
    const images = input([2, 9, 11, 3], { device: device() });
    const program = await capture(device(), () =>
      noGrad(() => {
        const h = model.conv1.forward(images);
        return [h, model.bn1.apply(h, { relu: true })];
      }),
    );
    expect(program.kernels.map(({ plan }) => plan.name.split(" ")[0])).toEqual(["conv2d.forward", "batchNorm.eval"]);
  });

  it("leave a convolution alone whose weights are written before batch norm runs", async () => {
    const model = new Net(device()).seed().eval();
    const images = input([2, 9, 11, 3], { device: device() });
    const program = await capture(device(), () =>
      noGrad(() => {
        const h = model.conv1.forward(images);
        device().copy(model.fc.bias!.storage, model.conv1.weight.storage);
        return model.bn1.apply(h, { relu: true });
      }),
    );
    expect(program.kernels.length).toBe(2);
  });
});
