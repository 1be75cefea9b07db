import {
  planCrossEntropy,
  planCrossEntropyBackward,
  planLogSoftmax,
  planLogSoftmaxBackward,
  planSoftmax,
  planSoftmaxBackward,
} from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { checkDType, checkSameDevice, ShapeError, TensorError } from "../errors.ts";
import { tidy } from "../scope.ts";
import { checkRank } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./cast.ts";

type RowPlans = {
  readonly name: string;
  readonly forward: typeof planSoftmax;
  readonly backward: typeof planSoftmaxBackward;
};

/** An op on each row of the last dimension whose gradient follows from its output. */
function rowOp({ name, forward, backward }: RowPlans): (x: Tensor) => Tensor {
  const rows = (x: Tensor): { rows: number; columns: number } => {
    const columns = x.shape.at(-1);
    if (columns === undefined) throw new ShapeError(name, "x must have a dimension", { x: x.shape });
    return { rows: x.size / columns, columns };
  };
  const apply = defineOp({
    name,
    forward(k, { x }: { x: Tensor }, _: undefined) {
      const y = k.empty(x.shape);
      k.run(forward(rows(x), k.limits), { x, y });
      return { y, saved: { y } };
    },
    backward(k, dy, { y }) {
      const dx = dy.emptyLike();
      k.run(backward(rows(y), k.limits), { y, dy, dx });
      return { x: dx };
    },
  });
  return (x) => widened(x, (wide) => apply({ x: wide }, undefined));
}

/** Logits of f16 are cast first, as under torch.autocast. */
const widened = (x: Tensor, f: (x: Tensor) => Tensor): Tensor =>
  x.dtype === "f16" ? tidy(() => f(cast(x, "f32"))) : f(x);

/** exp(x) / sum(exp(x)) over the last dimension; f32. dx = y (dy - sum(dy y)) */
export const softmax = rowOp({ name: "softmax", forward: planSoftmax, backward: planSoftmaxBackward });
/** log(softmax(x)) over the last dimension; f32. dx = dy - exp(y) sum(dy) */
export const logSoftmax = rowOp({ name: "logSoftmax", forward: planLogSoftmax, backward: planLogSoftmaxBackward });

/** As torch's CrossEntropyLoss. */
export interface CrossEntropyOptions {
  /** [classes]: the weight of each class in the mean. */
  readonly weights?: Tensor;
  /** Share of the target spread evenly over all classes. Default: 0. */
  readonly labelSmoothing?: number;
}

type Inputs = { readonly logits: Tensor };
type Settings = { readonly labels: Tensor; readonly weights: Tensor | null; readonly labelSmoothing: number };

/** loss = sum w_i l_i / sum w_i, l_i = -log softmax(logits_i)[label_i]. dlogits = w_i / sum w (softmax - one-hot) */
const crossEntropyOp = defineOp({
  name: "softmaxCrossEntropy",
  forward(k, { logits }: Inputs, { labels, weights, labelSmoothing }: Settings) {
    const [rows, classes] = logits.shape as [number, number];
    const geometry = { rows, classes, weighted: weights !== null, labelSmoothing };
    const [losses, loss, totalWeight] = [k.empty([rows]), k.empty([]), k.empty([])];
    const given = { logits, labels, ...(weights ? { weights } : {}) };
    k.run(planCrossEntropy(geometry, k.limits), { ...given, losses, loss, totalWeight });
    return { y: loss, saved: { ...given, totalWeight, geometry } };
  },
  backward(k, dy, { geometry, logits, labels, weights, totalWeight }) {
    const dlogits = k.empty(logits.shape);
    k.run(planCrossEntropyBackward(geometry, k.limits), {
      logits,
      labels,
      ...(weights ? { weights } : {}),
      totalWeight,
      dloss: dy,
      dlogits,
    });
    return { logits: dlogits };
  },
});

/**
 * Mean cross-entropy as torch's CrossEntropyLoss: logits [n, classes], labels [n] (u32) -> a scalar. Computed in log
 * space. A label that is no class (from `classes` up) is left out of the sums, like torch's `ignore_index`. No gradient of
 * the weights.
 */
export function softmaxCrossEntropy(
  logits: Tensor,
  labels: Tensor,
  { weights, labelSmoothing = 0 }: CrossEntropyOptions = {},
): Tensor {
  checkRank("softmaxCrossEntropy", "logits", logits.shape, 2);
  checkDType("softmaxCrossEntropy", "labels", labels.dtype, ["u32"]);
  if (weights) checkDType("softmaxCrossEntropy", "weights", weights.dtype, ["f32"]);
  checkSameDevice("softmaxCrossEntropy", weights ? [logits, labels, weights] : [logits, labels]);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new TensorError("softmaxCrossEntropy", `labelSmoothing must be from 0 to 1, not ${labelSmoothing}`);
  if (labels.shape.join() !== String(logits.shape[0]))
    throw new ShapeError("softmaxCrossEntropy", "labels must be one a row of logits", {
      logits: logits.shape,
      labels: labels.shape,
    });
  if (weights && weights.size !== logits.shape[1])
    throw new ShapeError("softmaxCrossEntropy", "weights must be one a class", {
      logits: logits.shape,
      weights: weights.shape,
    });
  return widened(logits, (wide) =>
    crossEntropyOp({ logits: wide }, { labels, weights: weights ?? null, labelSmoothing }),
  );
}
