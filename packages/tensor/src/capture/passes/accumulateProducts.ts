import { planConv2dGradInput, type DeviceLimits, type KernelPlan } from "@fracture/kernels";
import type { Storage } from "../../storage.ts";
import { fits, type Flow, type MadeStep } from "./flow.ts";

/** How a sum can be left to one of its parts: a product adds to the other part, in place, at a step of the program. */
interface Choice {
  readonly product: MadeStep<"conv2d.gradInput">;
  readonly total: Storage;
  readonly plan: KernelPlan;
  readonly at: number;
}

/**
 * Training: where gradients meet at a residual block's input, a convolution adds its own to the one that is there, in place,
 * the same two numbers: the same bits, one tensor less. Where both are convolutions' it is the one of which the most passes go:
 * those of a strided 1x1, which only wrote zeros.
 */
export function accumulateProducts(flow: Flow, limits: DeviceLimits): void {
  for (const sum of flow.kernels("binary")) {
    const { op, shapeA, shapeB } = sum.made.geometry;
    if (op !== "add" || shapeA.join() !== shapeB.join()) continue;
    const [a, b, y] = ["a", "b", "y"].map((name) => sum.step.operands.get(name)!) as [Storage, Storage, Storage];
    if (a === b || !flow.isInner(y)) continue;
    const choices = [choose(flow, sum, a, b, limits), choose(flow, sum, b, a, limits)].filter(
      (choice) => choice !== null,
    );
    const [best] = choices.toSorted((one, other) => saving(other) - saving(one));
    if (!best) continue;
    const operands = new Map([...best.product.step.operands, ["dx", best.total] as const]);
    flow.replace(best.product.index, null);
    flow.replace(sum.index, null);
    flow.replace(best.at, { kind: "kernel", plan: best.plan, operands });
    flow.rename(y, best.total);
  }
}

const saving = ({ product, plan }: Choice): number => product.step.plan.passes.length - plan.passes.length;

/** `added` comes from a product that can add it to `total`: as early as `total` is there and nobody else reads it. */
function choose(
  flow: Flow,
  sum: MadeStep<"binary">,
  total: Storage,
  added: Storage,
  limits: DeviceLimits,
): Choice | null {
  const writer = flow.isInner(added) ? flow.writerOf(added) : null;
  const product = writer === null ? null : flow.at(writer, "conv2d.gradInput");
  if (!product || product.made.options.accumulate || product.made.epilogueRows === null) return null;
  if ((product.made.options.dtype ?? "f32") !== (sum.made.geometry.dtype ?? "f32")) return null;
  const inputs = [...product.step.operands].flatMap(([name, storage]) => (name === "dx" ? [] : [storage]));
  const users = flow.usersOf(total);
  const isOurs = flow.isInner(total) && users.at(-1) === sum.index && !inputs.includes(total);
  if (!isOurs || flow.usersOf(added).length !== 2) return null;
  const at = users.at(-2)! < product.index ? product.index : sum.index;
  if (flow.isWrittenBetween(inputs, product.index, at)) return null;
  const options = { ...product.made.options, accumulate: true };
  const plan = planConv2dGradInput(product.made.geometry, limits, options);
  return fits(plan, limits) ? { product, total, plan, at } : null;
}
