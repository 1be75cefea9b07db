import { planGlobalAvgPool, planGlobalAvgPoolBackward, planMaxPool, planMaxPoolBackward, poolGeometry } from "@fracture/kernels";
import { defineOp } from "../autograd/defineOp.ts";
import { checkRank } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

export interface MaxPoolOptions {
  readonly kernelSize: number;
  /** Default: the kernel's size. */
  readonly stride?: number;
  /** Default: 0. */
  readonly padding?: number;
}
