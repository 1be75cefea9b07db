import { expect, it } from "vitest";
import { expectClose } from "@fracture/kernels/testing";
import { ones, tensor, zeros } from "../create.ts";
import { ShapeError, TensorError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { checkOp, describeDevice } from "../testing/index.ts";
import { batchNorm, type BatchNormOptions } from "./batchNorm.ts";
import { sum } from "./reduce.ts";
import { torchCase } from "./torchNumbers.ts";

/** As makeTorchNumbers.py has them. */
const MEAN = [0.5, -0.25, 1.5];
const VAR = [0.5, 2, 1.25];
const SETTINGS = { eps: 1e-5, momentum: 0.1 };

describeDevice("batchNorm", (device) => {
  const running = (): Pick<BatchNormOptions, "runningMean" | "runningVar"> => ({
    runningMean: tensor(MEAN, { device: device() }),
    runningVar: tensor(VAR, { device: device() }),
  });

  for (const training of [true, false])
    for (const relu of [false, true])
      for (const residual of [false, true]) {
        const parts = [training ? "batchNorm train" : "batchNorm eval", ...(relu ? ["relu"] : [])];
        const name = [...parts, ...(residual ? ["residual"] : [])].join(", ");
        it(`${name}: result, gradients and running statistics are torch's`, async () => {
          const numbers = torchCase(name);
          const statistics = running();
          const f = (x?: Tensor, weight?: Tensor, bias?: Tensor, added?: Tensor): Tensor =>
            batchNorm(x!, {
              ...SETTINGS,
              ...statistics,
              weight: weight!,
              bias: bias!,
              training,
              relu,
              ...(added ? { residual: added } : {}),
            });
          const inputs = numbers.inputs.map(({ data, shape }) => tensor(data, { device: device(), shape }));
          f(...inputs);
          const [mean, variance] = numbers.running!;
          expectClose(await statistics.runningMean.data(), mean!, { rtol: 1e-6, atol: 1e-7 });
          expectClose(await statistics.runningVar.data(), variance!, { rtol: 1e-6, atol: 1e-7 });
          await checkOp(device(), f, numbers, { tolerance: { rtol: 2e-5, atol: 5e-6 } });
        });
      }

  it("frozen inputs get no gradient, whatever the fused kernel computes", () => {
    for (const training of [true, false])
      for (const wanted of ["weight", "bias", "x"] as const) {
        const x = tensor([1, 2, 3, 4, 5, 6], { device: device(), shape: [2, 3] });
        const [weight, bias] = [ones([3], { device: device() }), zeros([3], { device: device() })];
        const all = { x, weight, bias };
        all[wanted].requireGrad();
        sum(batchNorm(x, { ...SETTINGS, ...running(), weight, bias, training, relu: true })).backward();
        for (const [name, { grad }] of Object.entries(all)) expect(grad !== null, name).toBe(name === wanted);
      }
  });

  it("errors name the operands and their shapes", () => {
    const [x, c3, c4] = [[2, 3], [3], [4]].map((shape) => ones(shape, { device: device() })) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const options = { ...SETTINGS, ...running(), weight: c3, bias: c3, training: true };
    expect(() => batchNorm(x, { ...options, weight: c4 })).toThrow(
      "batchNorm: weight and bias must have x's 3 channels (x [2,3], weight [4], bias [3])",
    );
    expect(() => batchNorm(x, { ...options, runningVar: c4 })).toThrow(
      "batchNorm: the running statistics must have x's 3 channels (x [2,3], runningMean [3], runningVar [4])",
    );
    expect(() => batchNorm(x, { ...options, residual: c3 })).toThrow(
      "batchNorm: the residual must have x's shape (x [2,3], residual [3])",
    );
    expect(() => batchNorm(ones([1, 3], { device: device() }), options)).toThrow(
      new ShapeError("batchNorm", "training needs more than one value a channel", { x: [1, 3] }),
    );
    expect(() => batchNorm(x, { ...options, runningMean: zeros([3], { device: device() }).requireGrad() })).toThrow(
      new TensorError("batchNorm", "running statistics are no parameters"),
    );
  });
});
