import type { DeviceLimits } from "../limits.ts";
import type { KernelPlan } from "../plan.ts";
import { storedBytes } from "../stored.ts";
import {
  batchNormPlan,
  checkBackwardFusion,
  checkBatchNorm,
  type BatchNormEvalBackwardGeometry,
  type BatchNormTrainBackwardGeometry,
} from "./geometry.ts";
import { applyFrozenPass, applyPass, parametersPass, sumsPass, type Gradient } from "./gradientPasses.ts";
import { tileOf } from "./tile.ts";
import { isWhole, wholeGradientPass } from "./wholeGradient.ts";

export interface BatchNormTrainBackwardOptions {
  /** One dispatch in place of three, to the same bits, on devices where that is better than more workgroups (software). Default: false. */
  readonly whole?: boolean;
}

const maskOf = ({
  relu = false,
  residual = false,
}: {
  readonly relu?: boolean;
  readonly residual?: boolean;
}): Gradient["mask"] => (relu ? (residual ? "y" : "x") : "none");

/**
 * The gradient of `planBatchNormTrain`. With g = dy where the relu passed (y > 0), else 0, and
 * xhat = (x - saveMean) * saveInvStd:
 * dbeta = sum g, dgamma = sum g * xhat, dx = gamma * saveInvStd * (g - dbeta / rows - xhat * dgamma / rows), dresidual = g.
 * Operands `x`, `dy` [rows, c], `gamma`, `saveMean`, `saveInvStd` [c]; with relu alone `beta` [c] (the mask is computed
 * again from x, so y may be gone); with relu and residual `y`, and `dresidual` is written; written too: `dx`, `dgamma`,
 * `dbeta`. Throws GeometryError for a residual without relu: its gradient is dy itself.
 */
export function planBatchNormTrainBackward(
  g: BatchNormTrainBackwardGeometry,
  limits: DeviceLimits,
  options: BatchNormTrainBackwardOptions = {},
): KernelPlan {
  const whole = (options.whole ?? false) && isWhole(limits);
  const kernel = "batchNorm.trainBackward";
  checkBatchNorm(kernel, g);
  checkBackwardFusion(kernel, g);
  const { rows, c, residual = false, dtype = "f32" } = g;
  const gradient: Gradient = { rows, c, eps: 0, frozen: false, mask: maskOf(g), residual, dtype };
  const [all, one] = [storedBytes(dtype, rows * c), c * 4];
  const tile = tileOf("reduce", g, limits);
  const label = `${kernel} [${rows},${c}]`;
  return batchNormPlan(
    { kernel, geometry: g, options },
    g,
    {
      operands: {
        x: all,
        dy: all,
        gamma: one,
        ...(gradient.mask === "x" ? { beta: one } : {}),
        saveMean: one,
        saveInvStd: one,
        ...(gradient.mask === "y" ? { y: all } : {}),
        dx: all,
        dgamma: one,
        dbeta: one,
        ...(residual ? { dresidual: all } : {}),
      },
      workspace: whole ? {} : { partials: tile.chunks * 2 * one, coefficients: 5 * one },
      passes: whole
        ? [wholeGradientPass(label, gradient, limits)]
        : [
            sumsPass(`${label} sums`, gradient, tile, limits),
            parametersPass(`${label} parameters`, gradient, tile, limits),
            applyPass(`${label} apply`, gradient, limits),
          ],
      flop: 9,
    },
    limits,
  );
}

/**
 * The gradient of `planBatchNormEval`: the statistics are constants, so dx = g * gamma / sqrt(runningVar + eps), with g as in
 * training. Operands `dy` [rows, c], `gamma`, `runningVar` [c]; `x`, `runningMean` unless neither the parameters' gradients
 * nor a relu alone need them; with relu alone `beta`; with relu and residual `y`, and `dresidual` is written; written too:
 * `dx`, and `dgamma`, `dbeta` unless `parameters` is false.
 */
export function planBatchNormEvalBackward(g: BatchNormEvalBackwardGeometry, limits: DeviceLimits): KernelPlan {
  const kernel = "batchNorm.evalBackward";
  checkBatchNorm(kernel, g);
  checkBackwardFusion(kernel, g);
  const { rows, c, eps, residual = false, parameters = true, dtype = "f32" } = g;
  const gradient: Gradient = { rows, c, eps, frozen: true, mask: maskOf(g), residual, dtype };
  const [all, one] = [storedBytes(dtype, rows * c), c * 4];
  const tile = tileOf(parameters ? "reduce" : "map", g, limits);
  const label = `${kernel} [${rows},${c}]`;
  const needsX = parameters || gradient.mask === "x";
  return batchNormPlan(
    { kernel, geometry: g },
    g,
    {
      operands: {
        ...(needsX ? { x: all } : {}),
        dy: all,
        gamma: one,
        ...(gradient.mask === "x" ? { beta: one } : {}),
        ...(needsX ? { runningMean: one } : {}),
        runningVar: one,
        ...(gradient.mask === "y" ? { y: all } : {}),
        dx: all,
        ...(parameters ? { dgamma: one, dbeta: one } : {}),
        ...(residual ? { dresidual: all } : {}),
      },
      workspace: parameters ? { partials: tile.chunks * 2 * one } : {},
      passes: parameters
        ? [
            sumsPass(`${label} sums`, gradient, tile, limits),
            parametersPass(`${label} parameters`, gradient, tile, limits),
            ...(gradient.mask === "y"
              ? [applyFrozenPass(`${label} apply`, { ...gradient, mask: "none" }, "dresidual", limits)]
              : []),
          ]
        : [applyFrozenPass(`${label} apply`, gradient, "dy", limits)],
      flop: parameters ? 6 : 2,
    },
    limits,
  );
}
