import type { DeviceLimits } from "../limits.ts";
import { ceilDiv } from "../plan.ts";

// The products on a software device (Mesa's lavapipe), where an invocation is a SIMD lane of a CPU core. What its compiler
// makes of WGSL decides the shape of these kernels; docs/performance.md has the measurements:
// - a load whose address differs between lanes is a masked gather, on processors without a fast one eight branches; a load
//   from one address for all lanes is a scalar load and a bounds check. So the left side is read from uniform addresses,
//   four elements at a time, and only the right side by lanes, reused for 16 rows;
// - a tile's body of more than some 150 multiply-adds no longer fits the instruction cache, and halves the rate;
// - padding is never tested in the loop: `leftSide` writes it with its zeros first.

/** Rows of outputs of a workgroup. */
export const ROWS = 16;
/** Vectors of columns of a workgroup: as many columns as this many times the lanes. */
export const VECTORS = 2;

/** The elements of a software device's vectors, which its invocations share: 8 where it doesn't say; null for a GPU. */
export function rowLanes({ deviceClass, subgroups }: DeviceLimits): number | null {
  if (deviceClass !== "cpu") return null;
  const { min, max } = subgroups ?? { min: 8, max: 8 };
  return min === max && (min === 4 || min === 8 || min === 16) ? min : 8;
}

/** Columns of a workgroup, and of a block of the packed right side. */
export const columnsOfBlock = (lanes: number): number => VECTORS * lanes;

/** Channels are padded to whole vec4s with zeros. */
export const paddedTo4 = (channels: number): number => ceilDiv(channels, 4) * 4;

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
