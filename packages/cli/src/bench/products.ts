import {
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
  planMatmul,
  type Conv2dGeometry,
  type KernelPlan,
  type MatmulGeometry,
} from "@fracture/kernels";
import type { Device } from "@fracture/tensor";
import { checkForward, checkGradInput, checkGradWeight, checkMatmul, noise } from "./check.ts";
import { measurePlan, type MeasureOptions } from "./measure.ts";
import { rates, timed, type BenchRow } from "./report.ts";

type Buffers = Record<string, Float32Array<ArrayBuffer>>;

/** A kernel to measure: its operands in order, the result last, and how the result is checked. */
interface Product {
  readonly plan: KernelPlan;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly check: (buffers: Buffers) => number;
}

/** One matrix product. */
export function measureMatmul(device: Device, geometry: MatmulGeometry, options: MeasureOptions): Promise<BenchRow> {
  const plan = planMatmul(geometry, device.limits);
  const check = (buffers: Buffers): number =>
    checkMatmul(plan.name, geometry, buffers as Record<"a" | "b" | "y", Float32Array>);
  return measureProduct(device, { plan, inputs: ["a", "b"], output: "y", check }, options);
}

export const CONV_PRODUCTS = ["forward", "gradInput", "gradWeight"] as const;
export type ConvProduct = (typeof CONV_PRODUCTS)[number];

/** One of the three products of a convolution. */
export function measureConv(
  device: Device,
  product: ConvProduct,
  g: Conv2dGeometry,
  options: MeasureOptions,
): Promise<BenchRow> {
  return measureProduct(device, convProduct(device, product, g), options);
}

function convProduct({ limits }: Device, product: ConvProduct, g: Conv2dGeometry): Product {
  switch (product) {
    case "forward": {
      const plan = planConv2dForward(g, limits);
      const check = (b: Buffers): number => checkForward(plan.name, g, { x: b["x"]!, w: b["w"]!, y: b["y"]! });
      return { plan, inputs: ["x", "w"], output: "y", check };
    }
    case "gradInput": {
      const plan = planConv2dGradInput(g, limits);
      const check = (b: Buffers): number => checkGradInput(plan.name, g, { dy: b["dy"]!, w: b["w"]!, dx: b["dx"]! });
      return { plan, inputs: ["dy", "w"], output: "dx", check };
    }
    case "gradWeight": {
      const plan = planConv2dGradWeight(g, limits);
      const check = (b: Buffers): number => checkGradWeight(plan.name, g, { x: b["x"]!, dy: b["dy"]!, dw: b["dw"]! });
      return { plan, inputs: ["x", "dy"], output: "dw", check };
    }
  }
}

async function measureProduct(
  device: Device,
  { plan, inputs, output, check }: Product,
  options: MeasureOptions,
): Promise<BenchRow> {
  const operands = Object.fromEntries(inputs.map((name, i) => [name, noise(plan.operands[name]! / 4, i + 1)]));
  let error = NaN;
  const timing = await measurePlan(device, plan, operands, options, async (read) => {
    error = check({ ...operands, [output]: await read(output) });
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
