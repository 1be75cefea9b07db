import { checkBindingSizes } from "../elementwise/flat.ts";
import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import type { Made } from "../made.ts";
import { checkSizes, type KernelPass, type KernelPlan } from "../plan.ts";
import { checkStored, storedName, type ActivationType } from "../stored.ts";

/** Batch norm over x [rows, c]: a [n, h, w, c] image batch has n * h * w rows. Rows are data, channels constants. */
export interface BatchNormShape {
  readonly rows: number;
  readonly c: number;
  /** How x, y, the residual and their gradients are stored. Parameters and statistics are f32. Default: "f32". */
  readonly dtype?: ActivationType;
}

/** What follows the normalisation in the same pass. */
export interface BatchNormFusion {
  /** y = max(y, 0), after the residual. Default: false. */
  readonly relu?: boolean;
  /** y = y + residual, an operand like x. Default: false. */
  readonly residual?: boolean;
}

export interface BatchNormTrainGeometry extends BatchNormShape, BatchNormFusion {
  /** Added to the variance. */
  readonly eps: number;
  /** running = (1 - momentum) * running + momentum * batch, as torch's. */
  readonly momentum: number;
}

/** Images of height x width pixels, which are the rows, and how many rows and columns of zeros lie around each in another layout. */
export interface Surround {
  readonly height: number;
  readonly width: number;
  readonly down: number;
  readonly across: number;
}

export interface BatchNormEvalGeometry extends BatchNormShape, BatchNormFusion {
  readonly eps: number;
}

export type BatchNormTrainBackwardGeometry = BatchNormShape & BatchNormFusion;

export interface BatchNormEvalBackwardGeometry extends BatchNormEvalGeometry {
  /** Whether gamma's and beta's gradients are wanted. Default: true. */
  readonly parameters?: boolean;
}

/** Throws GeometryError unless the sizes are positive integers, and eps and momentum numbers that make sense. */
export function checkBatchNorm(
  kernel: string,
  g: BatchNormShape & { readonly eps?: number; readonly momentum?: number },
): void {
  checkSizes(kernel, { rows: g.rows, c: g.c });
  if (g.eps !== undefined && !(g.eps >= 0 && g.eps < Infinity))
    throw new GeometryError(kernel, "eps must be 0 or more", { eps: g.eps });
  if (g.momentum !== undefined && !(g.momentum >= 0 && g.momentum <= 1)) {
    throw new GeometryError(kernel, "momentum must be from 0 to 1", { momentum: g.momentum });
  }
}

/** The residual's gradient is dy itself where no relu follows: there is nothing to compute. */
export function checkBackwardFusion(kernel: string, { relu = false, residual = false }: BatchNormFusion): void {
  if (residual && !relu)
    throw new GeometryError(kernel, "without relu the residual's gradient is dy itself: leave residual out");
}

export function batchNormPlan(
  made: Extract<Made, { readonly kernel: `batchNorm.${string}` }>,
  { rows, c, relu, residual, dtype = "f32" }: BatchNormShape & BatchNormFusion,
  parts: {
    readonly operands: Readonly<Record<string, number>>;
    readonly workspace?: Readonly<Record<string, number>>;
    readonly passes: readonly KernelPass[];
    /** Floating-point operations an element. */
    readonly flop: number;
  },
  limits: DeviceLimits,
): KernelPlan {
  const { operands, workspace = {}, passes, flop } = parts;
  const name = `${made.kernel}${storedName(dtype)}${residual ? " residual" : ""}${relu ? " relu" : ""} [${rows},${c}]`;
  checkStored(name, dtype, limits);
  checkBindingSizes(name, { ...operands, ...workspace }, limits);
  const bytes = Object.values(operands).reduce((sum, size) => sum + size, 0);
  return { name, operands, workspace, flop: flop * rows * c, bytes, passes, made };
}
