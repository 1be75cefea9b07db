import { planBatchNormTrain, planConv2dForward, type DeviceLimits } from "@fracture/kernels";
import { fits, type Flow } from "./flow.ts";

/**
 * Training: the moments that batch norm needs come out of the convolution before it, tile by tile, from the sums that
 * it has at hand; the pass that read the whole result for them goes.
 */
export function momentsFromProduct(flow: Flow, limits: DeviceLimits): void {
  for (const norm of flow.kernels("batchNorm.train")) {
    if (norm.made.options.partialRows !== undefined) continue;
    const x = norm.step.operands.get("x")!;
    const writer = flow.writerOf(x);
    const product = writer === null ? null : flow.at(writer, "conv2d.forward");
    if (!product) continue;
    const { geometry, options, epilogueRows } = product.made;
    if (options.epilogue || options.bias || epilogueRows === null || geometry.k !== norm.made.geometry.c) continue;
    const convolution = planConv2dForward(geometry, limits, { ...options, epilogue: { kind: "statistics" } });
    const plan = planBatchNormTrain(norm.made.geometry, limits, { partialRows: epilogueRows });
    if (!fits(convolution, limits) || !fits(plan, limits)) continue;
    const partials = flow.recording.allocate(plan.operands["partials"]!);
    const with_ = (operands: ReadonlyMap<string, typeof x>) => new Map([...operands, ["partials", partials] as const]);
    flow.replace(product.index, { kind: "kernel", plan: convolution, operands: with_(product.step.operands) });
    flow.replace(norm.index, { kind: "kernel", plan, operands: with_(norm.step.operands) });
  }
}
