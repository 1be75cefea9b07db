import { expect, it } from "vitest";
import { conv2dGeometry, matmulReference } from "@fracture/kernels";
import { expectClose, HALF_ROUNDING, randomNormal, toHalves } from "@fracture/kernels/testing";
import { capture } from "../capture/capture.ts";
import { tensor } from "../create.ts";
import { TensorError } from "../errors.ts";
import { batchNorm, cast, conv2d, globalAvgPool, linear, matmul, maxPool2d, mul, relu, sum } from "../ops/index.ts";
import { Conv2d, Linear } from "../nn/layers.ts";
import { Generator } from "../nn/init.ts";
import { keep, tidy } from "../scope.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { describeDevice } from "../testing/index.ts";
import { autocast, autocastEnabled } from "./autocast.ts";

// The same sizes in every test: the software device takes seconds to compile a product.
const X = [2, 5, 7, 8];
const W = [8, 3, 3, 8];

describeDevice("autocast", (device) => {
  const leaf = (shape: Shape, seed: number): Tensor =>
    tensor(
      randomNormal(
        shape.reduce((n, size) => n * size, 1),
        seed,
      ),
      { device: device(), shape },
    ).requireGrad();
  const names = (kernels: readonly { plan: { name: string } }[]): string[] => kernels.map(({ plan }) => plan.name);

  it("a convolution of f32 tensors is that of their halves, and its gradients are f32", async () => {
    const [x, w] = [leaf(X, 1), leaf(W, 2)];
    const { outH, outW } = conv2dGeometry({ n: 2, h: 5, w: 7, c: 8, k: 8, r: 3, s: 3, stride: 1, padding: 1 });
    const r = tensor(randomNormal(2 * outH * outW * 8, 3), { device: device(), shape: [2, outH, outW, 8] });
    const run = (y: Tensor): Tensor => {
      sum(mul(cast(y, "f32"), r)).backward();
      return y;
    };
    const y = tidy(() => run(autocast(() => conv2d(x, w, { padding: 1 }))));
    expect([y.dtype, x.grad!.dtype, w.grad!.dtype]).toEqual(["f16", "f32", "f32"]);
    // The same in f32 on the rounded numbers: dy is rounded too, from r to a half.
    const rounded = async (t: Tensor): Promise<Tensor> =>
      tensor(toHalves(await t.data()).values, { device: device(), shape: t.shape }).requireGrad();
    const [x32, w32, r32] = [await rounded(x), await rounded(w), await rounded(r)];
    const exact = tidy(() => {
      const z = conv2d(x32, w32, { padding: 1 });
      sum(mul(z, r32)).backward();
      return z;
    });
    const stored = { rtol: HALF_ROUNDING.rtol, atol: 1e-5 };
    expectClose(await y.data(), await exact.data(), stored);
    expectClose(await x.grad!.data(), await x32.grad!.data(), stored);
    expectClose(await w.grad!.data(), await w32.grad!.data(), { rtol: 1e-5, atol: 1e-5 }); // f32 all through
  });

  it("a product of f16 may be had as f32, unrounded", async () => {
    const [a, b] = [leaf([3, 40], 1), leaf([40, 5], 2)];
    const [halfA, halfB] = [toHalves(await a.data()), toHalves(await b.data())];
    const expected = matmulReference({ m: 3, n: 5, k: 40 }, halfA.values, halfB.values);
    const wide = autocast(() => matmul(a, b, { out: "f32" }));
    expect(wide.dtype).toBe("f32");
    expectClose(await wide.data(), expected, { rtol: 1e-5, atol: 1e-5 });
    expectClose(await autocast(() => matmul(a, b)).data(), expected, { rtol: HALF_ROUNDING.rtol, atol: 1e-5 });
  });

  it("what follows a product keeps its type; parameters of batch norm, sums and logits that ask for it are f32", () => {
    const x = leaf(X, 1);
    const [w, v, c] = [leaf(W, 2), leaf([3, 8], 3), leaf([8], 4)];
    const settings = { training: true, eps: 1e-5, momentum: 0.1, relu: true } as const;
    const statistics = { runningMean: leaf([8], 5).requireGrad(false), runningVar: leaf([8], 6).requireGrad(false) };
    const types: string[] = [];
    const note = (t: Tensor): Tensor => (types.push(t.dtype), t);
    tidy(() => {
      const logits = autocast(() => {
        const h = note(batchNorm(conv2d(x, w, { padding: 1 }), { weight: c, bias: c, ...statistics, ...settings }));
        return linear(note(globalAvgPool(note(maxPool2d(note(relu(h)), { kernelSize: 2 })))), v, undefined, {
          out: "f32",
        });
      });
      sum(note(logits)).backward();
    });
    expect(types).toEqual(["f16", "f16", "f16", "f16", "f32"]);
    expect([x, w, v, c].map(({ grad }) => grad!.dtype)).toEqual(["f32", "f32", "f32", "f32"]);
  });

  it("outside of it operands of two types are refused", () => {
    const [x, w] = [leaf(X, 1), leaf(W, 2)];
    const half = cast(x, "f16");
    expect(() => conv2d(half, w)).toThrow(
      new TensorError("conv2d", "x is f16 and w is f32: cast one of them, or use autocast"),
    );
    expect(autocast(() => autocast(() => conv2d(half, w, { padding: 1 }).dtype, { enabled: true }))).toBe("f16");
    expect(autocast(() => autocast(() => conv2d(x, w, { padding: 1 }).dtype, { enabled: false }))).toBe("f32");
    expect(autocastEnabled()).toBe(false);
  });

  it("weights with f16 copies are cast by no kernel of a step, others in every step", async () => {
    const init = { device: device(), generator: new Generator(1) };
    const [conv, head] = [
      new Conv2d(8, 8, { kernelSize: 3, padding: 1, bias: false, ...init }),
      new Linear(8, 3, init, { out: "f32" }),
    ];
    const x = cast(leaf(X, 1), "f16");
    const step = (): Tensor => autocast(() => head.forward(globalAvgPool(conv.forward(x))));
    const casts = async (): Promise<number> => {
      const program = await capture(device(), step);
      const found = names(program.kernels).filter((name) => name.startsWith("cast")).length;
      program.result.dispose();
      program.dispose();
      return found;
    };
    expect(await casts()).toBe(2);
    conv.makeHalfCopies();
    head.makeHalfCopies();
    expect(await casts()).toBe(0);
    expect([conv.weight.half!.dtype, head.bias.half]).toEqual(["f16", null]);
  });

  it("a copy follows its weights: what is written to them is written to it", async () => {
    const { live } = device().counts;
    const w = leaf([5], 1);
    w.keepHalf();
    const before = await w.half!.data();
    expect(before).toEqual(toHalves(await w.data()).values);
    const other = randomNormal(5, 2);
    w.write(other);
    expect(await w.half!.data()).toEqual(toHalves(other).values);
    w.dispose();
    expect(device().counts.live).toBe(live);
  });

  it("gradients of f16 tensors that are used twice are summed in f16", async () => {
    const x = keep(cast(leaf([4], 1), "f16"))
      .detach()
      .requireGrad();
    tidy(() => sum(mul(x, x)).backward());
    expect(x.grad!.dtype).toBe("f16");
    const values = await x.data();
    expectClose(
      await x.grad!.data(),
      Array.from(values, (v) => 2 * v),
      HALF_ROUNDING,
    );
  });
});
