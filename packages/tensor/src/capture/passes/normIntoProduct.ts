import { planConv2dForward, type DeviceLimits } from "@fracture/kernels";
import { fits, type Flow } from "./flow.ts";

/**
 * Inference: batch norm by the running statistics, with its residual and relu, becomes the epilogue of the convolution whose
 * result it alone reads, so that this result is neither written nor read. Scale and shift are computed where they are
 * used: weights may change between replays.
 */
export function normIntoProduct(flow: Flow, limits: DeviceLimits): void {
  for (const norm of flow.kernels("batchNorm.eval")) {
    const { eps, relu = false, residual = false, dtype = "f32" } = norm.made.geometry;
    const x = norm.step.operands.get("x")!;
    const writer = flow.isInner(x) ? flow.writerOf(x) : null;
    const product = writer === null ? null : flow.at(writer, "conv2d.forward");
    if (!product || flow.usersOf(x).length !== 2) continue;
    const { geometry, options, epilogueRows } = product.made;
    if (options.epilogue || epilogueRows === null || (options.dtype ?? "f32") !== dtype) continue;
    const given = new Map([...product.step.operands].filter(([name]) => name !== "y"));
    // It runs where batch norm did: its residual may be younger than the convolution.
    if (flow.isWrittenBetween([...given.values()], product.index, norm.index)) continue;
    const plan = planConv2dForward(geometry, limits, { ...options, epilogue: { kind: "norm", eps, relu, residual } });
    if (!fits(plan, limits)) continue;
    const rest = [...norm.step.operands].filter(([name]) => name !== "x");
    flow.replace(product.index, null);
    flow.replace(norm.index, { kind: "kernel", plan, operands: new Map([...given, ...rest]) });
  }
}
