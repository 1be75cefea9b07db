import { autocast, type Device } from "@fracture/tensor";
import { RecipeError } from "../recipe/errors.ts";

/** What a network computes in: "mixed" is f16 activations on f32 weights. */
export const PRECISIONS = ["f32", "mixed"] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Runs the forward pass in a precision. */
export const inPrecision = <T>(precision: Precision, fn: () => T): T =>
  autocast(fn, { enabled: precision === "mixed" });

/**
 * Mixed precision needs f16.
 *
 * @throws RecipeError where the device has none
 */
export function checkPrecision(precision: Precision, { limits, info }: Pick<Device, "limits" | "info">): void {
  if (precision === "f32" || limits.f16) return;
  throw new RecipeError("this device can't do what was asked for:", [
    `precision: mixed needs f16 (the feature shader-f16), which ${info.device || info.description || "it"} hasn't got: use f32`,
  ]);
}
