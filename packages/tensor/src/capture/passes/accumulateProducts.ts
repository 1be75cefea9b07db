import { planConv2dGradInput, type DeviceLimits } from "@fracture/kernels";
import type { Storage } from "../../storage.ts";
import { fits, type Flow } from "./flow.ts";

/**
 * Training: where gradients meet at a residual block's input, a convolution adds its own to the one that is there, in place,
 * in the order of the sum that it stands for: the same bits, one tensor less.
 */
export function accumulateProducts(flow: Flow, limits: DeviceLimits): void {
  for (const sum of flow.kernels("binary")) {
    const { op, shapeA, shapeB } = sum.made.geometry;
    if (op !== "add" || shapeA.join() !== shapeB.join()) continue;
    const [a, b, y] = ["a", "b", "y"].map((name) => sum.step.operands.get(name)!) as [Storage, Storage, Storage];
    if (a === b || !flow.isInner(y)) continue;
    for (const [total, added] of [
      [a, b],
      [b, a],
    ] as const) {
      const writer = flow.isInner(added) ? flow.writerOf(added) : null;
      const product = writer === null ? null : flow.at(writer, "conv2d.gradInput");
      if (!product || product.made.options.accumulate || product.made.epilogueRows === null) continue;
      if ((product.made.options.dtype ?? "f32") !== (sum.made.geometry.dtype ?? "f32")) continue;
      // Nobody else sees the product's own gradient, or the sum's first part once the product runs.
      const users = flow.usersOf(total);
      const isOurs = flow.isInner(total) && (users[0] ?? Infinity) < product.index && users.at(-1) === sum.index;
      if (flow.usersOf(added).length !== 2 || !isOurs || users.at(-2)! > product.index) continue;
      const operands = new Map([...product.step.operands, ["dx", total] as const]);
      if ([...product.step.operands.values()].includes(total)) continue;
      const plan = planConv2dGradInput(product.made.geometry, limits, { ...product.made.options, accumulate: true });
      if (!fits(plan, limits)) continue;
      flow.replace(product.index, { kind: "kernel", plan, operands });
      flow.replace(sum.index, null);
      flow.rename(y, total);
      break;
    }
  }
}
