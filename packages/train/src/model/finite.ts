import type { nn } from "@fracture/tensor";
import { ModelFileError } from "./errors.ts";

/** The first tensor that holds NaN or infinity, or null. */
export function nonFiniteName(state: nn.StateDict): string | null {
  for (const [name, { data }] of state) {
    if (!(data instanceof Float32Array)) continue;
    // In doubles a sum of so many floats is finite unless one of them is not: one pass without a branch.
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += data[i]!;
    if (!Number.isFinite(sum)) return name;
  }
  return null;
}

/**
 * Weights that hold NaN or infinity give nothing but NaN, silently: better said of the file than of what comes out.
 *
 * @throws ModelFileError that names the tensor
 */
export function refuseNonFinite(path: string, state: nn.StateDict): void {
  const name = nonFiniteName(state);
  if (name !== null) throw new ModelFileError(path, `${name} holds NaN or infinite values: such weights are of no use`);
}
