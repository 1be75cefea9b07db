import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { input, ones, tensor, zeros } from "./create.ts";
import { openDevice } from "./device.ts";
import { TensorError } from "./errors.ts";
import { noGrad } from "./autograd/noGrad.ts";
import { capture } from "./capture/capture.ts";
import { BatchNorm2d, Conv2d, GlobalAvgPool, Linear, MaxPool2d, ReLU, Sequential } from "./nn/layers.ts";
import { Generator } from "./nn/init.ts";
import { Adam } from "./optim/index.ts";
import { add, mul } from "./ops/binary.ts";
import { reshape } from "./ops/shape.ts";
import { softmaxCrossEntropy } from "./ops/softmax.ts";
import { relu } from "./ops/unary.ts";
import { keep, tidy } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { describeDevice } from "./testing/index.ts";

describeDevice("lifetimes", (device) => {
  const live = (): number => device().counts.live;

  it("tidy keeps what it returns, however nested, and what was kept; nothing else", async () => {
    const before = live();
    let kept: Tensor | null = null;
    const { a, list } = tidy(() => {
      const x = ones([2], { device: device() });
      kept = keep(add(x, 1));
      mul(x, x);
      return { a: add(x, 2), list: [{ b: add(x, 3) }] };
    });
    expect(live()).toBe(before + 3);
    const outlived = [kept!, a, list[0]!.b];
    for (const [i, t] of outlived.entries()) expect(await t.data()).toEqual(new Float32Array([i + 2, i + 2]));
    for (const t of outlived) t.dispose();
    expect(live()).toBe(before);
  });

  it("what an inner tidy returns belongs to the outer one, and an error frees all", () => {
    const before = live();
    tidy(() => {
      const inner = tidy(() => ones([2], { device: device() }));
      expect(inner.disposed).toBe(false);
    });
    expect(() =>
      tidy(() => {
        ones([2], { device: device() });
        throw new RangeError("mine");
      }),
    ).toThrow(RangeError);
    expect(live()).toBe(before);
  });

  it("using gives the memory back at the end of the block, and disposing twice is once", () => {
    const before = live();
    {
      using x = ones([2], { device: device() });
      using y = relu(x);
      expect(live()).toBe(before + 2);
      y.dispose();
    }
    expect(live()).toBe(before);
  });

  it("freed memory is used again by tensors of a similar size", () => {
    input([1000], { device: device() }).dispose();
    const { created } = device().counts;
    const again = input([1001], { device: device() });
    expect(device().counts.created).toBe(created);
    again.dispose();
    const { idleBytes, liveBytes } = device().counts;
    expect(idleBytes).toBeGreaterThan(0);
    device().trim();
    expect(device().counts).toMatchObject({ idle: 0, idleBytes: 0, liveBytes });
  });

  it("a tensor that was disposed of is refused by name", async () => {
    const x = ones([2], { device: device() });
    x.dispose();
    const refused = (op: string) => new TensorError(op, "the tensor was disposed of");
    expect(() => relu(x)).toThrow(refused("relu"));
    expect(() => x.write([1, 2])).toThrow(refused("write"));
    expect(() => x.detach()).toThrow(refused("view"));
    await expect(x.data()).rejects.toThrow(refused("data"));
  });

  it("asynchronous functions are refused where a scope could not hold for them", async () => {
    expect(() => tidy(async () => {})).toThrow("tidy: the function must not be asynchronous");
    expect(() => noGrad(async () => {})).toThrow("noGrad: the function must not be asynchronous");
  });

  it("a graph of 20000 ops is freed without a deep stack", () => {
    const x = zeros([1], { device: device() }).requireGrad();
    const before = live();
    let y = add(x, 1);
    for (let i = 0; i < 20_000; i++) {
      const next = reshape(y, [1]);
      y.dispose();
      y = next;
    }
    y.dispose();
    expect(live()).toBe(before);
  });

  it("live and created buffers are flat over training steps, eager and captured", async () => {
    const init = { device: device(), generator: new Generator(1) };
    const model = new Sequential(
      new Conv2d(1, 4, { kernelSize: 3, padding: 1, bias: false, ...init }),
      new BatchNorm2d(4, init),
      new ReLU(),
      new MaxPool2d(2),
      new GlobalAvgPool(),
      new Linear(4, 2, init),
    );
    const adam = new Adam(model.parameters());
    const x = input([2, 6, 6, 1], { device: device() });
    const labels = tensor([0, 1], { device: device(), dtype: "u32" });
    const step = (): Tensor => {
      const loss = softmaxCrossEntropy(model.forward(x), labels);
      adam.zeroGrad();
      loss.backward();
      adam.step();
      return loss;
    };
    const train = async (steps: number, run: (i: number) => Promise<void>): Promise<void> => {
      await run(0);
      await run(1);
      const before = device().counts;
      for (let i = 2; i < steps; i++) await run(i);
      const { live: now, created, pipelines } = device().counts;
      expect({ live: now, created, pipelines }).toEqual({
        live: before.live,
        created: before.created,
        pipelines: before.pipelines,
      });
    };
    const pictures = (i: number): number[] => Array.from({ length: 72 }, (_, j) => Math.sin(i * 72 + j));
    await train(20, async (i) => {
      x.write(pictures(i));
      const loss = tidy(step);
      await loss.item();
      loss.dispose();
    });
    const program = await capture(device(), step);
    const bindGroups = (): number => device().counts.bindGroups;
    let made = 0;
    await train(20, async (i) => {
      x.write(pictures(i));
      program.replay();
      await program.result.item();
      if (i === 1) made = bindGroups();
    });
    expect(bindGroups()).toBe(made);
  });

  it("after close nothing runs, and what is disposed of late does no harm", async () => {
    const own = await openDevice();
    const x = ones([2], { device: own });
    own.close();
    own.close();
    const refused = (op: string) => new TensorError(op, "the device was closed");
    expect(() => add(x, 1)).toThrow(refused("allocate"));
    expect(() => x.write([1, 2])).toThrow(refused("write"));
    await expect(x.data()).rejects.toThrow(refused("data"));
    x.dispose();
  });

  it("a process that closes its devices ends by itself, whatever is collected when", async () => {
    // Plain Node runs no TypeScript: the build is brought up to date first.
    const root = fileURLToPath(new URL("../../../", import.meta.url));
    const run = promisify(execFile);
    await run(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "packages/tensor"], { cwd: root });
    const program = `
      import { add, openDevice, tensor } from "@fracture/tensor";
      const device = await openDevice();
      console.log((await add(tensor([1, 2], { device }), 1).data()).join());
      for (let i = 0; i < 3; i++) {
        (await openDevice()).close();
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
        gc();
      }
      device.close();`;
    const { stdout } = await run(process.execPath, ["--expose-gc", "--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../../../examples/", import.meta.url)),
      timeout: 60_000,
    });
    expect(stdout.trim()).toBe("2,3");
  });
});
