import { GeometryError } from "../errors.ts";
import type { Shape } from "../elementwise/broadcast.ts";

/** A dimension of a permuted result: its size, and the step that it takes in x. */
export interface PermutedDimension {
  readonly size: number;
  readonly stride: number;
  /** What the size is a multiple of whatever the batch is: the batch is x's first axis. */
  readonly divisor: number;
}

/**
 * A permutation with the fewest dimensions: neighbours that stay neighbours are merged, sizes of 1 dropped (but for
 * the batch, so that a batch of one takes the same kernel as any other). In the order of the result.
 */
export function permutedDimensions(kernel: string, shape: Shape, order: readonly number[]): PermutedDimension[] {
  if (order.length !== shape.length || order.toSorted((a, b) => a - b).some((axis, index) => axis !== index)) {
    throw new GeometryError(kernel, "order must name every axis once", { shape, order });
  }
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const kept = order.filter((axis) => axis === 0 || shape[axis] !== 1);
  const dimensions: (PermutedDimension & { lastAxis: number })[] = [];
  for (const axis of kept) {
    const own = { size: shape[axis]!, stride: strides[axis]!, divisor: axis === 0 ? 1 : shape[axis]!, lastAxis: axis };
    const previous = dimensions.at(-1);
    // axis follows the previous one in x too, but for sizes of 1
    if (previous && axis > previous.lastAxis && shape.slice(previous.lastAxis + 1, axis).every((size) => size === 1)) {
      dimensions[dimensions.length - 1] = {
        ...own,
        size: previous.size * own.size,
        divisor: previous.divisor * own.divisor,
      };
    } else {
      dimensions.push(own);
    }
  }
  return dimensions.length > 0 ? dimensions : [{ size: 1, stride: 1, divisor: 1 }];
}
