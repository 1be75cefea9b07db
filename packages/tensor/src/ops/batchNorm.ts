import {
  planBatchNormEval,
  planBatchNormEvalBackward,
  planBatchNormTrain,
  planBatchNormTrainBackward,
  type KernelPlan,
} from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { checkDType, ShapeError, TensorError } from "../errors.ts";
import { FLOATS, floatType } from "../floats.ts";
import { sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** Parameters, statistics and what is fused. */
export interface BatchNormOptions {
  /** gamma [c] */
  readonly weight: Tensor;
  /** beta [c] */
  readonly bias: Tensor;
  /** [c], updated in place in training. */
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  /** The batch's statistics, or the running ones. */
  readonly training: boolean;
  readonly eps: number;
  /** Share of the batch in the running statistics. */
  readonly momentum: number;
  /** y = relu(..). Default: false. */
  readonly relu?: boolean;
  /** Added before the relu, of x's shape. */
  readonly residual?: Tensor;
}

type Inputs = { readonly x: Tensor; readonly weight: Tensor; readonly bias: Tensor; readonly residual?: Tensor };
type Settings = Pick<BatchNormOptions, "runningMean" | "runningVar" | "eps" | "momentum"> & { readonly relu: boolean };

/**
 * Y = γ x̂ + β (+ residual, relu), x̂ = (X - μ) / sqrt(σ² + ε), over the rows of [rows, c] (Ioffe and Szegedy 2015).
 * dγ = Σ dY x̂, dβ = Σ dY, dX = γ/σ (dY - dβ/rows - x̂ dγ/rows): the statistics depend on x.
 */
const trainOp = defineOp({
  name: "batchNorm",
  dtypes: FLOATS,
  forward(k, inputs: Inputs, { runningMean, runningVar, eps, momentum, relu }: Settings) {
    const { x, weight, bias, residual } = inputs;
    const [rows, c] = rowsOf(inputs);
    if (rows === 1) throw new ShapeError("batchNorm", "training needs more than one value a channel", { x: x.shape });
    const geometry = { rows, c, eps, momentum, relu, residual: residual !== undefined, dtype: floatType(x) };
    const [mean, invStd, y] = [k.empty([c]), k.empty([c]), x.emptyLike()];
    k.run(planBatchNormTrain(geometry, k.limits), {
      x,
      gamma: weight,
      beta: bias,
      runningMean,
      runningVar,
      saveMean: mean,
      saveInvStd: invStd,
      y,
      ...(residual ? { residual } : {}),
    });
    return { y, saved: { x, weight, bias, mean, invStd, geometry, ...keptForMask(geometry, y) } };
  },
  backward(k, dy, { x, weight, bias, mean, invStd, geometry, y }) {
    const [dx, dgamma, dbeta] = [x.emptyLike(), k.empty([geometry.c]), k.empty([geometry.c])];
    const dresidual = residualGradient(dy, geometry);
    const plan = planBatchNormTrainBackward(backwardFusion(geometry), k.limits);
    const operands = { x, gamma: weight, beta: bias, saveMean: mean, saveInvStd: invStd, y, dy, dx, dgamma, dbeta };
    k.run(plan, wantedBy(plan, { ...operands, dresidual }));
    return { x: dx, weight: dgamma, bias: dbeta, residual: dresidual };
  },
});

/** The same with fixed statistics: dX = γ/σ dY. */
const evalOp = defineOp({
  name: "batchNorm",
  dtypes: FLOATS,
  forward(k, inputs: Inputs, { runningMean, runningVar, eps, relu }: Settings) {
    const { x, weight, bias, residual } = inputs;
    const [rows, c] = rowsOf(inputs);
    const geometry = { rows, c, eps, relu, residual: residual !== undefined, dtype: floatType(x) };
    const y = x.emptyLike();
    k.run(planBatchNormEval(geometry, k.limits), {
      x,
      gamma: weight,
      beta: bias,
      runningMean,
      runningVar,
      y,
      ...(residual ? { residual } : {}),
    });
    const needsX = relu || Boolean(k.needs["weight"] || k.needs["bias"]);
    return {
      y,
      saved: { x: needsX ? x : null, weight, bias, runningMean, runningVar, geometry, ...keptForMask(geometry, y) },
    };
  },
  backward(k, dy, { x, weight, bias, runningMean, runningVar, geometry, y }) {
    const parameters = Boolean(k.needs["weight"] || k.needs["bias"]);
    const dx = dy.emptyLike();
    const [dgamma, dbeta] = parameters ? [k.empty([geometry.c]), k.empty([geometry.c])] : [null, null];
    const dresidual = residualGradient(dy, geometry);
    const plan = planBatchNormEvalBackward({ ...backwardFusion(geometry), parameters }, k.limits);
    const operands = { x, gamma: weight, beta: bias, runningMean, runningVar, y, dy, dx, dgamma, dbeta };
    k.run(plan, wantedBy(plan, { ...operands, dresidual }));
    return { x: dx, weight: dgamma, bias: dbeta, residual: dresidual };
  },
});

type Fusion = { readonly relu: boolean; readonly residual: boolean };

/** What the relu's mask is read from, beyond x: y where a residual was added, else it is computed again from x. */
const keptForMask = ({ relu, residual }: Fusion, y: Tensor): { y: Tensor | null } => ({
  y: relu && residual ? y : null,
});

/** Without a relu the residual's gradient is dy itself, and the kernel has nothing to do with it. */
const backwardFusion = <G extends Fusion>(geometry: G): G => ({
  ...geometry,
  residual: geometry.relu && geometry.residual,
});

function residualGradient(dy: Tensor, { relu, residual }: Fusion): Tensor | null {
  if (!residual) return null;
  return relu ? dy.emptyLike() : dy.view();
}

/** The operands that a plan has, of all that there may be. */
function wantedBy(plan: KernelPlan, tensors: Readonly<Record<string, Tensor | null>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).filter(
      (entry): entry is [string, Tensor] => entry[1] !== null && entry[0] in plan.operands,
    ),
  );
}

function rowsOf({ x, weight, bias, residual }: Inputs): [number, number] {
  const c = x.shape.at(-1) ?? 0;
  if (weight.size !== c || bias.size !== c)
    throw new ShapeError("batchNorm", `weight and bias must have x's ${c} channels`, {
      x: x.shape,
      weight: weight.shape,
      bias: bias.shape,
    });
  if (residual && !sameShape(residual.shape, x.shape))
    throw new ShapeError("batchNorm", "the residual must have x's shape", { x: x.shape, residual: residual.shape });
  return [x.size / c, c];
}

/** Batch normalisation over all dimensions but the last, x [..., c], f32 or f16, with f32 parameters and statistics. In training the running statistics are updated in place. */
export function batchNorm(x: Tensor, options: BatchNormOptions): Tensor {
  const { weight, bias, residual, runningMean, runningVar, training, eps, momentum, relu = false } = options;
  if (runningMean.requiresGrad || runningVar.requiresGrad)
    throw new TensorError("batchNorm", "running statistics are no parameters");
  for (const [name, tensor] of Object.entries({ weight, bias, runningMean, runningVar }))
    checkDType("batchNorm", name, tensor.dtype, ["f32"]);
  if (residual) checkDType("batchNorm", "residual", residual.dtype, [x.dtype]);
  const channels = x.shape.slice(-1);
  if (![runningMean, runningVar].every(({ shape }) => sameShape(shape, channels)))
    throw new ShapeError("batchNorm", `the running statistics must have x's ${channels.join()} channels`, {
      x: x.shape,
      runningMean: runningMean.shape,
      runningVar: runningVar.shape,
    });
  const op = training ? trainOp : evalOp;
  return op(residual ? { x, weight, bias, residual } : { x, weight, bias }, {
    runningMean,
    runningVar,
    eps,
    momentum,
    relu,
  });
}
