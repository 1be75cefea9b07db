import { describe, expect, it } from "vitest";
import { GeometryError } from "../errors.ts";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, randomNormal, runPlan } from "../testing/index.ts";
import { broadcastAxes, broadcastLayout, broadcastShapes, elementsOf } from "./broadcast.ts";
import { planReduce } from "../reduce/index.ts";
import { planBinary } from "./binary.ts";
import { BINARY, SCALAR, UNARY, type BinaryOp, type ScalarOp, type UnaryOp } from "./ops.ts";
import { binaryReference } from "./reference.ts";
import {
  planAccumulate,
  planAddRelu,
  planReluBackward,
  planScalar,
  planUnary,
  planUnaryBackward,
  planWhere,
  unaryBackwardUses,
} from "./unary.ts";

const keys = <T extends object>(table: T): (keyof T)[] => Object.keys(table) as (keyof T)[];
const SHAPES: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[1], [1]],
  [[17], [17]],
  [[1025], []],
  [[], [257]],
  [[5, 7, 8], [8]],
  [[5, 7, 3], [3]],
  [
    [5, 7, 3],
    [5, 7, 1],
  ],
  [
    [4, 1, 6],
    [3, 1],
  ],
  [
    [2, 3, 4, 5],
    [2, 1, 4, 1],
  ],
  [
    [2, 1, 4, 1, 4],
    [2, 3, 1, 5, 1],
  ],
];

describe("elementwise plans", () => {
  it("compile the same WGSL for another batch", () => {
    for (const limits of [BASELINE_GPU, BASELINE_CPU]) {
      const wgsl = (n: number) =>
        [
          planBinary({ op: "add", shapeA: [n, 4, 4, 8], shapeB: [8] }, limits),
          planBinary({ op: "add", shapeA: [n, 5], shapeB: [5] }, limits),
          planBinary({ op: "mul", shapeA: [n, 4, 4, 8], shapeB: [n, 1, 1, 8] }, limits),
          planBinary({ op: "mul", shapeA: [n, 5], shapeB: [n, 5] }, limits),
          planBinary({ op: "mul", shapeA: [n], shapeB: [] }, limits),
          planUnary({ op: "relu", count: n * 3 }, limits),
        ].map((plan) => plan.passes[0]!.wgsl);
      expect(wgsl(3)).toEqual(wgsl(8));
      expect(wgsl(1)).toEqual(wgsl(8));
    }
  });

  it("write what they wrote when this was reviewed", () => {
    expect(planUnary({ op: "relu", count: 100 }, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot("relu, gpu");
    expect(planUnary({ op: "relu", count: 100 }, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot("relu, cpu");
    const bias = { op: "add", shapeA: [6, 8], shapeB: [8] } as const;
    expect(planBinary(bias, BASELINE_GPU).passes[0]!.wgsl).toMatchSnapshot("add of a row, gpu");
    expect(planBinary(bias, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot("add of a row, cpu");
    expect(planAddRelu({ count: 100 }, BASELINE_CPU).passes[0]!.wgsl).toMatchSnapshot("residual add and relu, cpu");
  });

  it("count every operand once", () => {
    const plan = planBinary({ op: "add", shapeA: [6, 8], shapeB: [8] }, BASELINE_GPU);
    expect(plan).toMatchObject({ flop: 48, bytes: 4 * (48 + 8 + 48), operands: { a: 192, b: 32, y: 192 } });
  });

  it("merge dimensions that repeat the same operand", () => {
    expect(broadcastLayout([2, 3, 4], [4], [2, 3, 4])).toEqual({ sizes: [6, 4], stridesA: [4, 1], stridesB: [0, 1] });
    expect(broadcastLayout([2, 3, 4], [2, 3, 4], [2, 3, 4])).toEqual({ sizes: [24], stridesA: [1], stridesB: [1] });
    expect(broadcastLayout([], [], [])).toEqual({ sizes: [1], stridesA: [1], stridesB: [1] });
  });

  it("broadcast as numpy does, and say which shapes do not fit", () => {
    expect(broadcastShapes("add", [5, 1, 3], [4, 1])).toEqual([5, 4, 3]);
    expect(broadcastAxes([4, 1], [5, 4, 3])).toEqual([0, 2]);
    const bad = () => planBinary({ op: "add", shapeA: [5, 3], shapeB: [4] }, BASELINE_GPU);
    expect(bad).toThrow(GeometryError);
    expect(bad).toThrow(
      "add: shapes can't be broadcast together: sizes must be equal or 1, from the last dimension (a [5,3], b [4])",
    );
    expect(() => planUnary({ op: "relu", count: 0 }, BASELINE_GPU)).toThrow(
      "relu: count must be a positive integer (count 0)",
    );
    expect(() => planUnary({ op: "exp", count: 2 ** 26 }, BASELINE_GPU)).toThrow(
      "exp [67108864]: x needs maxStorageBindingBytes 268435456, the device has 134217728",
    );
  });
});

describeGpu("elementwise kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  it.each(keys(UNARY))("%s and its derivative agree with f64", async (op: UnaryOp) => {
    for (const [index, count] of [1, 17, 256, 1023, 1025].entries()) {
      const positive = op === "log" || op === "sqrt" || op === "rsqrt";
      const x = randomNormal(count, index + 1).map((v) =>
        positive ? Math.abs(v) + 0.01 : op === "reciprocal" && Math.abs(v) < 0.01 ? 1 : v,
      );
      const expected = Float64Array.from(x, UNARY[op].f64);
      const dy = randomNormal(count, index + 100);
      const uses = unaryBackwardUses(op);
      const saved = Float32Array.from(uses === "y" ? expected : x);
      for (const limits of classes()) {
        const { y } = await runPlan(gpu(), planUnary({ op, count }, limits), { x });
        expectClose(y!, expected, { rtol: 3e-6, atol: 1e-6 });
        const { dx } = await runPlan(gpu(), planUnaryBackward({ op, count }, limits), {
          dy,
          ...(uses ? { [uses]: saved } : {}),
        });
        expectClose(
          dx!,
          Float64Array.from(dy, (d, i) => UNARY[op].backward.f64(d, saved[i]!)),
          { rtol: 1e-6, atol: 1e-7 },
        );
      }
    }
  });

  it("relu, maximum and minimum let NaN through, as torch does", async () => {
    const x = new Float32Array([NaN, 1, -1, NaN]);
    const b = new Float32Array([1, NaN, 0, NaN]);
    for (const limits of classes()) {
      expect([...(await runPlan(gpu(), planUnary({ op: "relu", count: 4 }, limits), { x })).y!]).toEqual([
        NaN,
        1,
        0,
        NaN,
      ]);
      expect([
        ...(await runPlan(gpu(), planBinary({ op: "maximum", shapeA: [4], shapeB: [4] }, limits), { a: x, b })).y!,
      ]).toEqual([NaN, NaN, 0, NaN]);
      expect([
        ...(await runPlan(gpu(), planBinary({ op: "minimum", shapeA: [4], shapeB: [4] }, limits), { a: x, b })).y!,
      ]).toEqual([NaN, NaN, -1, NaN]);
    }
  });

  it("tanh and sigmoid saturate without overflow", async () => {
    const x = new Float32Array([-200, -90, -11, 11, 90, 200]);
    for (const limits of classes()) {
      expect([...(await runPlan(gpu(), planUnary({ op: "tanh", count: 6 }, limits), { x })).y!]).toEqual([
        -1, -1, -1, 1, 1, 1,
      ]);
      expectClose(
        (await runPlan(gpu(), planUnary({ op: "sigmoid", count: 6 }, limits), { x })).y!,
        Array.from(x, UNARY.sigmoid.f64),
        { rtol: 1e-5, atol: 1e-30 },
      );
    }
  });

  it.each(keys(BINARY))("%s broadcasts and agrees with f64", async (op: BinaryOp) => {
    for (const [index, [shapeA, shapeB]] of (op === "add" || op === "sub" ? SHAPES : SHAPES.slice(3, 6)).entries()) {
      const coarse = (v: number): number =>
        op.includes("qual") ? Math.round(v) : op === "div" && Math.abs(v) < 0.01 ? 1 : v;
      const a = randomNormal(elementsOf(shapeA), index + 1).map(op === "pow" ? Math.abs : coarse);
      const b = randomNormal(elementsOf(shapeB), index + 51).map(coarse);
      for (const limits of classes()) {
        const { y } = await runPlan(gpu(), planBinary({ op, shapeA, shapeB }, limits), { a, b });
        expectClose(y!, binaryReference(op, a, shapeA, b, shapeB), { rtol: 5e-6, atol: 1e-6 });
      }
    }
  });

  it("pow of negative and zero bases is C's", async () => {
    const a = new Float32Array([-2, -2, -3, 0, 0, 0, -1.5, 7]);
    const b = new Float32Array([3, 2, -1, 0, 2, -1, 0.5, 1]);
    for (const limits of classes()) {
      const { y } = await runPlan(gpu(), planBinary({ op: "pow", shapeA: [8], shapeB: [8] }, limits), { a, b });
      expectClose(y!, [-8, 4, -1 / 3, 1, 0, Infinity, NaN, 7], { rtol: 1e-6, atol: 0 });
    }
  });

  it.each(keys(SCALAR))("%s with two numbers agrees with f64", async (op: ScalarOp) => {
    const x = randomNormal(1031, 5).map((v) => Math.abs(v) + 0.1);
    for (const limits of classes()) {
      const { y } = await runPlan(gpu(), planScalar({ op, count: x.length, s: 0.75, t: 1.5 }, limits), { x });
      expectClose(
        y!,
        Array.from(x, (v) => SCALAR[op].f64(v, 0.75, 1.5)),
        { rtol: 3e-6, atol: 1e-6 },
      );
    }
  });

  it("addRelu, reluBackward, accumulate and where agree with f64", async () => {
    const count = 1027;
    const [a, b, c] = [
      randomNormal(count, 1),
      randomNormal(count, 2),
      randomNormal(count, 3).map((v) => Math.max(0, v)),
    ] as const;
    for (const limits of classes()) {
      expectClose(
        (await runPlan(gpu(), planAddRelu({ count }, limits), { a, b })).y!,
        a.map((v, i) => Math.max(0, v + b[i]!)),
        { rtol: 0, atol: 0 },
      );
      expectClose(
        (await runPlan(gpu(), planReluBackward({ count }, limits), { y: c, dy: b })).dx!,
        c.map((v, i) => (v > 0 ? b[i]! : 0)),
        { rtol: 0, atol: 0 },
      );
      expectClose(
        (await runPlan(gpu(), planAccumulate({ count }, limits), { x: a, y: b })).y!,
        a.map((v, i) => v + b[i]!),
        { rtol: 0, atol: 0 },
      );
      expectClose(
        (await runPlan(gpu(), planWhere({ count }, limits), { condition: c, a, b })).y!,
        c.map((v, i) => (v ? a[i]! : b[i]!)),
        { rtol: 0, atol: 0 },
      );
    }
  });

  it("more workgroups than a dimension holds are folded into a second one, and none is lost", async () => {
    const count = 20_011;
    const x = randomNormal(count, 9);
    for (const limits of classes()) {
      const few = { ...limits, maxWorkgroupsPerDimension: 7 };
      const plan = planUnary({ op: "square", count }, few);
      expect(plan.passes[0]!.workgroups[1]).toBeGreaterThan(1);
      expectClose((await runPlan(gpu(), plan, { x })).y!, x.map(UNARY.square.f64), { rtol: 1e-7, atol: 0 });
      const copy = planReduce({ op: "sum", shape: [count], axes: [] }, { ...limits, maxWorkgroupsPerDimension: 32 });
      expect(copy.passes[0]!.workgroups[1]).toBeGreaterThan(1);
      expect((await runPlan(gpu(), copy, { x })).y).toEqual(x);
    }
  });
});
