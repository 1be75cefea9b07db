import { planAccumulate, planBinary, planCast, planFill, type DType } from "@fracture/kernels";
import { ShapeError, TensorError } from "../errors.ts";
import { floatType } from "../floats.ts";
import { keep, tidy } from "../scope.ts";
import { sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Node } from "./node.ts";
import { noGrad } from "./noGrad.ts";

/**
 * Reverse-mode differentiation from a tensor of one element: nodes run in descending order of creation, gradients of
 * a tensor that was used more than once are summed in that order, so that the sums are the same on every run.
 */
export function runBackward(root: Tensor): void {
  if (root.size !== 1) throw new ShapeError("backward", "the loss must have one element", { loss: root.shape });
  if (!root.requiresGrad) throw new TensorError("backward", "nothing that the loss depends on requires a gradient");
  noGrad(() => {
    tidy(() => {
      const seed = root.emptyLike(root.shape, "f32");
      root.device.run(planFill({ count: 1, value: 1 }, root.device.limits), { y: seed });
      propagate(root, inTypeOf(seed, root.dtype));
    });
  });
}

function propagate(root: Tensor, seed: Tensor): void {
  if (!root.node) return accumulateLeaf(root, seed);
  const pending = new Map<Node, Tensor>([[root.node, seed]]);
  while (pending.size > 0) {
    const node = latest(pending.keys());
    if (node.consumed)
      throw new TensorError(
        "backward",
        `the graph was already used: ${node.name} freed what it had saved. Run the forward pass again`,
      );
    const dy = pending.get(node)!;
    pending.delete(node);
    const gradients = node.run(dy);
    const owned = new Set<Tensor>([dy]);
    for (const [key, input] of Object.entries(node.inputs)) {
      const given = gradients[key];
      if (!given) continue;
      if (!sameShape(given.shape, input.shape))
        throw new ShapeError(`${node.name} backward`, `the gradient of ${key} has another shape`, {
          gradient: given.shape,
          [key]: input.shape,
        });
      // An op may hand on dy itself, or one tensor twice: every receiver owns a reference of its own.
      let gradient = owned.has(given) ? given.view() : given;
      owned.add(gradient);
      const parent = node.parents[key];
      if (node.needs[key]) gradient = inTypeOf(gradient, input.dtype);
      // A fused kernel may compute more than was asked for: what is frozen gets no gradient.
      if (!node.needs[key]) gradient.dispose();
      else if (parent) pending.set(parent, sum(pending.get(parent) ?? null, gradient));
      else accumulateLeaf(input, gradient);
    }
    dy.dispose();
  }
}

function latest(nodes: Iterable<Node>): Node {
  let found: Node | null = null;
  for (const node of nodes) if (!found || node.order > found.order) found = node;
  return found!;
}

/** A gradient in its tensor's type; takes over the one given. */
function inTypeOf(gradient: Tensor, dtype: DType): Tensor {
  if (gradient.dtype === dtype) return gradient;
  const { device, size } = gradient;
  const y = gradient.emptyLike(gradient.shape, dtype);
  device.run(planCast({ from: gradient.dtype, to: dtype, count: size }, device.limits), { x: gradient, y });
  gradient.dispose();
  return y;
}

function sum(a: Tensor | null, b: Tensor): Tensor {
  if (!a) return b;
  const y = a.emptyLike();
  const geometry = { op: "add", shapeA: [a.size], shapeB: [b.size], dtype: floatType(a) } as const;
  a.device.run(planBinary(geometry, a.device.limits), { a, b, y });
  a.dispose();
  b.dispose();
  return y;
}

function accumulateLeaf(leaf: Tensor, gradient: Tensor): void {
  const { device } = leaf;
  if (leaf.disposed) return gradient.dispose();
  if (leaf.grad) {
    leaf.grad.check("backward");
    device.run(planAccumulate({ count: leaf.size, dtype: floatType(leaf) }, device.limits), {
      x: gradient,
      y: leaf.grad,
    });
    return gradient.dispose();
  }
  // An optimiser's leaf has a place for its gradient; any other gets memory that outlives the captured function.
  const target = leaf.gradTarget?.retain() ?? device.allocatePersistent(leaf.bytes);
  const grad = keep(leaf.emptyLikeOn(target));
  device.copy(gradient.storage, target);
  gradient.dispose();
  leaf.grad = grad;
  device.recording?.onFailure.push(() => {
    grad.dispose();
    if (leaf.grad === grad) leaf.grad = null;
  });
}
