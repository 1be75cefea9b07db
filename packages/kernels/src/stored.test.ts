import { describe, expect, it } from "vitest";
import { planBatchNormEvalBackward, planBatchNormTrainBackward } from "./batchNorm/backward.ts";
import { planBatchNormEval, planBatchNormTrain } from "./batchNorm/batchNorm.ts";
import { batchNormBackwardReference, batchNormEvalReference, batchNormTrainReference } from "./batchNorm/reference.ts";
import { planCast } from "./cast/index.ts";
import { binaryReference } from "./elementwise/reference.ts";
import { planAccumulate, planBinary, planScalar, planUnary, planUnaryBackward } from "./elementwise/index.ts";
import { DeviceLimitError } from "./errors.ts";
import { imageGeometry, packViews, pictureWords, planImage } from "./image/index.ts";
import { imageReference } from "./image/reference.ts";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "./limits.ts";
import { permuteReference, sliceIntoReference, sliceReference } from "./permute/reference.ts";
import { planPermute, planSlice, planSliceBackward } from "./permute/index.ts";
import { planGlobalAveragePool, planGlobalAveragePoolBackward } from "./pool/globalAveragePool.ts";
import { poolGeometry } from "./pool/geometry.ts";
import { planMaxPool, planMaxPoolBackward } from "./pool/maxPool.ts";
import { globalAveragePoolReference, maxPoolBackwardReference, maxPoolReference } from "./pool/reference.ts";
import { planReduce } from "./reduce/index.ts";
import { reduceReference } from "./reduce/reference.ts";
import {
  describeGpu,
  expectClose,
  HALF_ROUNDING,
  halvesOf,
  mulberry32,
  randomNormal,
  runPlan,
  toHalves,
} from "./testing/index.ts";

const eps = 1e-5;
const momentum = 0.1;
const dtype = "f16";
const EXACT = { rtol: 0, atol: 0 };
/** A result of f32 arithmetic, rounded to f16. */
const STORED = { rtol: HALF_ROUNDING.rtol + 1e-5, atol: 1e-5 };

describe("plans on activations that are stored as f16", () => {
  const half = { ...BASELINE_GPU, f16: true };

  it("move half the bytes, and say so in their names", () => {
    expect(planBatchNormTrain({ rows: 10, c: 8, eps, momentum, dtype }, half)).toMatchObject({
      name: "batchNorm.train f16 [10,8]",
      operands: { x: 160, gamma: 32, saveMean: 32, y: 160 },
    });
    expect(planUnary({ op: "relu", count: 3, dtype }, half)).toMatchObject({ operands: { x: 8, y: 8 }, bytes: 16 });
    const g = poolGeometry({ n: 1, h: 4, w: 4, c: 4, kernel: 2, dtype });
    expect(planMaxPool(g, half)).toMatchObject({
      name: "maxPool f16 2x2/2 [1,4,4,4]",
      operands: { x: 128, y: 32, taps: 16 },
    });
    expect(planReduce({ op: "sum", shape: [6, 3], axes: [0], dtype }, half).operands).toEqual({ x: 36, y: 12 });
  });

  it("are refused by a device without f16", () => {
    const plans = [
      () => planBatchNormEval({ rows: 4, c: 4, eps, dtype }, BASELINE_GPU),
      () => planUnary({ op: "relu", count: 4, dtype }, BASELINE_CPU),
      () => planPermute({ shape: [2, 2], order: [1, 0], dtype }, BASELINE_GPU),
    ];
    for (const plan of plans) expect(plan).toThrow(DeviceLimitError);
    expect(plans[0]).toThrow("batchNorm.eval f16 [4,4] in f16 needs shader-f16 1, the device has 0");
  });

  it("write what they wrote when this was reviewed", () => {
    const texts = (limits: DeviceLimits): string =>
      [
        planBatchNormTrain({ rows: 392, c: 64, eps, momentum, relu: true, residual: true, dtype }, limits),
        planUnary({ op: "relu", count: 100, dtype }, limits),
      ]
        .flatMap(({ passes }) => passes.map(({ wgsl }) => wgsl))
        .join("\n");
    expect(texts(half)).toMatchSnapshot("gpu");
    expect(texts({ ...BASELINE_CPU, f16: true })).toMatchSnapshot("cpu");
  });
});

describeGpu("kernels on activations that are stored as f16", (gpu) => {
  const classes = (skip: (why: string) => void): DeviceLimits[] => {
    if (!gpu().limits.f16) skip("no shader-f16");
    return [
      { ...gpu().limits, deviceClass: "gpu" },
      { ...gpu().limits, deviceClass: "cpu" },
    ];
  };

  it.each([
    { rows: 17, c: 3, fused: false },
    { rows: 257, c: 20, fused: true },
  ])("batch norm over [$rows, $c] and its gradients agree with f64 on the same halves", async ({ rows, c, fused }) => {
    const random = mulberry32(rows);
    const offset = Array.from({ length: c }, () => random() * 6 - 3);
    const x = toHalves(randomNormal(rows * c, rows).map((v, i) => v + offset[i % c]!));
    const residual = toHalves(randomNormal(rows * c, rows + 1));
    const channels = {
      gamma: randomNormal(c, 2),
      beta: randomNormal(c, 3),
      runningMean: randomNormal(c, 4),
      runningVar: randomNormal(c, 5).map((v) => v * v + 0.1),
    };
    const count = rows * c;
    const g = { rows, c, eps, momentum, relu: true, residual: fused, dtype } as const;
    const given = { x: x.bits, ...channels, ...(fused ? { residual: residual.bits } : {}) };
    const numbers = { x: x.values, ...channels, ...(fused ? { residual: residual.values } : {}) };
    for (const statistics of ["batch", "running"] as const) {
      const batch = statistics === "batch";
      const train = batchNormTrainReference(g, numbers);
      const expected = batch ? train : batchNormEvalReference(g, numbers);
      const { y: z } = batch
        ? batchNormTrainReference({ ...g, relu: false }, numbers)
        : batchNormEvalReference({ ...g, relu: false }, numbers);
      // The relu's mask is a step: within rounding of it neither side is wrong.
      const dy = toHalves(randomNormal(count, 7).map((v, i) => (Math.abs(z[i]!) < 1e-5 ? 0 : v)));
      const right = batchNormBackwardReference(
        g,
        numbers,
        z.map((v) => Math.max(v, 0)),
        dy.values,
        statistics,
      );
      for (const limits of classes((why) => expect.fail(why))) {
        const plan = batch ? planBatchNormTrain(g, limits) : planBatchNormEval(g, limits);
        const result = await runPlan(gpu(), plan, given);
        expectClose(halvesOf(result["y"]!, count), expected.y, STORED);
        const saved = batch ? { saveMean: result["saveMean"]!, saveInvStd: result["saveInvStd"]! } : {};
        if (batch) {
          expectClose(result["saveMean"]!, train.saveMean, { rtol: 3e-6, atol: 3e-7 });
          expectClose(result["saveInvStd"]!, train.saveInvStd, { rtol: 3e-6, atol: 0 });
          expectClose(result["runningVar"]!, train.runningVar, { rtol: 3e-6, atol: 0 });
        }
        const backward = batch ? planBatchNormTrainBackward(g, limits) : planBatchNormEvalBackward(g, limits);
        const y = new Uint16Array(result["y"]!.buffer, 0, count);
        const gradients = await runPlan(gpu(), backward, { ...given, ...saved, dy: dy.bits, y });
        expectClose(halvesOf(gradients["dx"]!, count), right.dx, STORED);
        if (fused) expectClose(halvesOf(gradients["dresidual"]!, count), right.dresidual, EXACT);
        const sums = { rtol: 1e-5, atol: 2e-6 * Math.sqrt(rows) };
        expectClose(gradients["dgamma"]!, right.dgamma, sums);
        expectClose(gradients["dbeta"]!, right.dbeta, sums);
      }
    }
  });

  it.each([20, 3])("pools of %i channels agree with f64, a maximum and its gradient exactly", async (c) => {
    const g = poolGeometry({ n: 2, h: 9, w: 7, c, kernel: 3, stride: 2, padding: 1, dtype });
    const x = toHalves(randomNormal(g.n * g.h * g.w * c, c));
    const { y, indices } = maxPoolReference(g, x.values);
    const dy = toHalves(randomNormal(y.length, 2).map((v) => Math.round(v * 8) / 8)); // sums of these are exact
    const all = { n: g.n, h: g.h, w: g.w, c, dtype } as const;
    const mean = globalAveragePoolReference(x.values, g.n, g.h * g.w, c);
    const dmean = toHalves(randomNormal(g.n * c, 3));
    for (const limits of classes((why) => expect.fail(why))) {
      const forward = await runPlan(gpu(), planMaxPool(g, limits), { x: x.bits });
      expectClose(halvesOf(forward["y"]!, y.length), y, EXACT);
      const taps = new Uint32Array(forward["taps"]!.buffer);
      const { dx } = await runPlan(gpu(), planMaxPoolBackward(g, limits), { dy: dy.bits, taps });
      expectClose(halvesOf(dx!, x.bits.length), maxPoolBackwardReference(x.bits.length, indices, dy.values), EXACT);
      const average = await runPlan(gpu(), planGlobalAveragePool(all, limits), { x: x.bits });
      expectClose(halvesOf(average["y"]!, mean.length), mean, STORED);
      const back = await runPlan(gpu(), planGlobalAveragePoolBackward(all, limits), { dy: dmean.bits });
      const share = x.values.map((_, i) => dmean.values[Math.floor(i / (g.h * g.w * c)) * c + (i % c)]! / (g.h * g.w));
      expectClose(halvesOf(back["dx"]!, share.length), share, STORED);
    }
  });

  it("elementwise operations round their results once", async () => {
    for (const count of [1, 17, 1025]) {
      const [a, b] = [toHalves(randomNormal(count, 1)), toHalves(randomNormal(count, 2))];
      const close = (result: Float32Array<ArrayBuffer>, expected: ArrayLike<number>): void =>
        expectClose(halvesOf(result, count), expected, HALF_ROUNDING);
      for (const limits of classes((why) => expect.fail(why))) {
        const flat = { op: "add", shapeA: [count], shapeB: [count], dtype } as const;
        const sum = binaryReference("add", a.values, [count], b.values, [count]);
        close((await runPlan(gpu(), planBinary(flat, limits), { a: a.bits, b: b.bits })).y!, sum);
        close((await runPlan(gpu(), planAccumulate({ count, dtype }, limits), { x: a.bits, y: b.bits })).y!, sum);
        const relu = { op: "relu", count, dtype } as const;
        const { y } = await runPlan(gpu(), planUnary(relu, limits), { x: a.bits });
        expectClose(
          halvesOf(y!, count),
          a.values.map((v) => Math.max(v, 0)),
          EXACT,
        );
        const { dx } = await runPlan(gpu(), planUnaryBackward(relu, limits), { dy: b.bits, y: a.bits });
        expectClose(
          halvesOf(dx!, count),
          b.values.map((v, i) => (a.values[i]! > 0 ? v : 0)),
          EXACT,
        );
        const scaled = await runPlan(gpu(), planScalar({ op: "affine", count, s: 3, t: 0.1, dtype }, limits), {
          x: a.bits,
        });
        expectClose(
          halvesOf(scaled["y"]!, count),
          a.values.map((v) => v * 3 + 0.1),
          STORED,
        );
      }
    }
    const [wide, row] = [toHalves(randomNormal(5 * 7 * 8, 3)), toHalves(randomNormal(8, 4))];
    for (const limits of classes((why) => expect.fail(why))) {
      const plan = planBinary({ op: "mul", shapeA: [5, 7, 8], shapeB: [8], dtype }, limits);
      const { y } = await runPlan(gpu(), plan, { a: wide.bits, b: row.bits });
      expectClose(halvesOf(y!, 280), binaryReference("mul", wide.values, [5, 7, 8], row.values, [8]), HALF_ROUNDING);
    }
  });

  it("permutations and slices move halves as they are", async () => {
    for (const [shape, order] of [
      [
        [5, 33, 65],
        [0, 2, 1],
      ],
      [
        [3, 4, 5, 7],
        [3, 1, 2, 0],
      ],
    ] as const) {
      const x = toHalves(
        randomNormal(
          shape.reduce<number>((n, size) => n * size, 1),
          7,
        ),
      );
      for (const limits of classes((why) => expect.fail(why))) {
        const { y } = await runPlan(gpu(), planPermute({ shape, order, dtype }, limits), { x: x.bits });
        expectClose(halvesOf(y!, x.bits.length), permuteReference(x.values, shape, order), EXACT);
      }
    }
    const box = { shape: [9, 5, 3], starts: [2, 1, 0], sizes: [3, 3, 3], dtype } as const;
    const [whole, part] = [toHalves(randomNormal(135, 1)), toHalves(randomNormal(27, 2))];
    for (const limits of classes((why) => expect.fail(why))) {
      const { y } = await runPlan(gpu(), planSlice(box, limits), { x: whole.bits });
      expectClose(halvesOf(y!, 27), sliceReference(whole.values, box), EXACT);
      const { dx } = await runPlan(gpu(), planSliceBackward(box, limits), { dy: part.bits });
      expectClose(halvesOf(dx!, 135), sliceIntoReference(part.values, new Float32Array(135), box), EXACT);
    }
  });

  it("a sum of more than f16 can count to is f32", async () => {
    const shape = [4097, 17];
    const x = toHalves(randomNormal(4097 * 17, 9).map((v) => v + 40));
    const expected = reduceReference("sum", x.values, shape, [0]); // about 160,000: beyond f16
    for (const limits of classes((why) => expect.fail(why))) {
      const { y } = await runPlan(gpu(), planReduce({ op: "sum", shape, axes: [0], dtype }, limits), { x: x.bits });
      expectClose(y!, expected, { rtol: 1e-6, atol: 0 });
    }
  });

  it("a view of a picture is the f32 view, rounded", async () => {
    const sizes = { height: 9, width: 7, channels: 1 };
    const g = imageGeometry(
      { pictures: 1, n: 1, size: 5, ...sizes, dtype },
      { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    );
    const pixels = Uint8Array.from({ length: 63 }, (_, i) => (i * 37) % 256);
    const words = new Uint32Array(pictureWords(sizes));
    new Uint8Array(words.buffer).set(pixels);
    const views = packViews([{ picture: 0, box: { left: 0, top: 0, width: 7, height: 9 } }], 5);
    for (const limits of classes((why) => expect.fail(why))) {
      const { y } = await runPlan(gpu(), planImage(g, limits), { pictures: words, views });
      expectClose(halvesOf(y!, 75), imageReference(g, words, views), STORED);
    }
  });

  it("what is too large for f16 becomes infinite, which is how an overflow is found", async () => {
    const x = Float32Array.of(65_504, 65_519, 65_520, 1e30, -1e6, NaN);
    for (const limits of classes((why) => expect.fail(why))) {
      const { y } = await runPlan(gpu(), planCast({ from: "f32", to: "f16", count: 6 }, limits), { x });
      expect([...halvesOf(y!, 6)]).toEqual([65_504, 65_504, Infinity, Infinity, -Infinity, NaN]);
      const large = toHalves([60_000, -60_000, 60_000]);
      const plan = planBinary({ op: "add", shapeA: [3], shapeB: [3], dtype }, limits);
      const { y: sum } = await runPlan(gpu(), plan, { a: large.bits, b: large.bits });
      expect([...halvesOf(sum!, 3)]).toEqual([Infinity, -Infinity, Infinity]);
    }
  });
});
