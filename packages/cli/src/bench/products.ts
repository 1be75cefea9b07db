import {
  conv2dForwardCandidates,
  conv2dGradInputCandidates,
  conv2dGradWeightCandidates,
  conv2dKey,
  matmulCandidates,
  matmulKey,
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
  planMatmul,
  type ActivationType,
  type Candidate,
  type Conv2dGeometry,
  type DeviceLimits,
  type KernelPlan,
  type MatmulGeometry,
} from "@fracture/kernels";
import type { Device } from "@fracture/tensor";
import { checkForward, checkGradInput, checkGradWeight, checkMatmul, noise, type Values } from "./check.ts";
import { fromStored, toStored } from "./halves.ts";
import { measurePlan, type MeasureOptions } from "./measure.ts";
import { rates, timed, type BenchRow } from "./report.ts";

/** A product to measure, whichever way it is computed. */
export interface Product {
  /** In `DeviceLimits.choices`. */
  readonly key: string;
  readonly dtype: ActivationType;
  /** Elements of each operand that is read. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly output: { readonly name: string; readonly dtype: ActivationType; readonly count: number };
  /** As this device computes it: by its choices, or by rule. */
  readonly plan: (limits: DeviceLimits) => KernelPlan;
  /** Every way that this device has, the one by rule first. */
  readonly candidates: (limits: DeviceLimits) => Candidate[];
  /** Compares a result with the f64 reference and gives the error. Throws a CheckError where that is too large. */
  readonly check: (name: string, buffers: Readonly<Record<string, Values>>) => number;
}

export const CONV_PRODUCTS = ["forward", "gradInput", "gradWeight"] as const;
export type ConvProduct = (typeof CONV_PRODUCTS)[number];

/** A matrix product. */
export function matmulProduct(geometry: MatmulGeometry, dtype: ActivationType = "f32"): Product {
  const { m, n, k } = geometry;
  return {
    key: matmulKey(geometry, { dtype }),
    dtype,
    inputs: { a: m * k, b: k * n },
    output: { name: "y", dtype, count: m * n },
    plan: (limits) => planMatmul(geometry, limits, { dtype }),
    candidates: (limits) => matmulCandidates(geometry, limits, { dtype }),
    check: (name, { a, b, y }) => checkMatmul(name, geometry, { a: a!, b: b!, y: y! }, dtype),
  };
}

/** One of the three products of a convolution. */
export function convProduct(product: ConvProduct, g: Conv2dGeometry, dtype: ActivationType = "f32"): Product {
  const options = { dtype };
  const [x, w, dy] = [g.n * g.h * g.w * g.c, g.k * g.r * g.s * g.c, g.n * g.outH * g.outW * g.k];
  const shared = { key: conv2dKey(product, g, dtype), dtype };
  switch (product) {
    case "forward":
      return {
        ...shared,
        inputs: { x, w },
        output: { name: "y", dtype, count: dy },
        plan: (limits) => planConv2dForward(g, limits, options),
        candidates: (limits) => conv2dForwardCandidates(g, limits, options),
        check: (name, b) => checkForward(name, g, { x: b["x"]!, w: b["w"]!, y: b["y"]! }, dtype),
      };
    case "gradInput":
      return {
        ...shared,
        inputs: { dy, w },
        output: { name: "dx", dtype, count: x },
        plan: (limits) => planConv2dGradInput(g, limits, options),
        candidates: (limits) => conv2dGradInputCandidates(g, limits, options),
        check: (name, b) => checkGradInput(name, g, { dy: b["dy"]!, w: b["w"]!, dx: b["dx"]! }, dtype),
      };
    case "gradWeight":
      return {
        ...shared,
        inputs: { x, dy },
        output: { name: "dw", dtype: "f32", count: w },
        plan: (limits) => planConv2dGradWeight(g, limits, options),
        candidates: (limits) => conv2dGradWeightCandidates(g, limits, options),
        check: (name, b) => checkGradWeight(name, g, { x: b["x"]!, dy: b["dy"]!, dw: b["dw"]! }),
      };
  }
}

/** Times a product on numbers that are the same every time, and checks its result. Throws a CheckError where that is wrong. */
export async function measureProduct(
  device: Device,
  product: Product,
  options: MeasureOptions,
  plan: KernelPlan = product.plan(device.limits),
): Promise<BenchRow> {
  const { dtype, output } = product;
  const stored = Object.fromEntries(
    Object.entries(product.inputs).map(([name, count], i) => [name, toStored(dtype, noise(count, i + 1))]),
  );
  let error = NaN;
  const timing = await measurePlan(device, plan, stored, options, async (read) => {
    const numbers = Object.entries(product.inputs).map(([name, count]) => [
      name,
      fromStored(dtype, stored[name]!.buffer, count),
    ]);
    const result = fromStored(output.dtype, await read(output.name), output.count);
    error = product.check(plan.name, { ...Object.fromEntries(numbers), [output.name]: result });
  });
  return {
    name: plan.name,
    ...timed(timing),
    ...rates(plan, timing),
    flop: plan.flop,
    bytes: plan.bytes,
    largest_error: error,
  };
}

/** One matrix product. */
export const measureMatmul = (
  device: Device,
  geometry: MatmulGeometry,
  options: MeasureOptions,
  dtype: ActivationType = "f32",
): Promise<BenchRow> => measureProduct(device, matmulProduct(geometry, dtype), options);

/** One of the three products of a convolution. */
export const measureConv = (
  device: Device,
  product: ConvProduct,
  g: Conv2dGeometry,
  options: MeasureOptions,
  dtype: ActivationType = "f32",
): Promise<BenchRow> => measureProduct(device, convProduct(product, g, dtype), options);
