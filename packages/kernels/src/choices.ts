import type { KernelPlan } from "./plan.ts";

/**
 * Which of its variants a product takes on a device, where that was measured: by the product's key, which names kernel,
 * dtype and sizes but never the batch, so that another batch compiles nothing. Plain data, part of `DeviceLimits`. What a key
 * does not name, and a variant that a device lacks, is left to the plan's own rule.
 */
export type Choices = Readonly<Record<string, string>>;

/** One way to compute a product. All candidates of a product give the same result but for rounding. */
export interface Candidate {
  /** Its name in `Choices`: "tiled64", "tiled128", "rows", "cooperative 128x128x32". */
  readonly variant: string;
  readonly plan: KernelPlan;
}
