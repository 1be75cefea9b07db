import { GeometryError } from "../errors.ts";

export type Shape = readonly number[];

export const elementsOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

/**
 * The shape of an elementwise result, by the rules of numpy and torch: aligned at the last dimension, a size of 1 is
 * repeated. Throws a GeometryError that names both shapes.
 */
export function broadcastShapes(kernel: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const sizeA = a[axis - rank + a.length] ?? 1;
    const sizeB = b[axis - rank + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new GeometryError(
        kernel,
        "shapes can't be broadcast together: sizes must be equal or 1, from the last dimension",
        { a, b },
      );
    }
    return sizeA === 1 ? sizeB : sizeA;
  });
}

/** The axes of `result` over which the gradient of an operand of shape `operand` is summed: those that were repeated. */
export function broadcastAxes(operand: Shape, result: Shape): number[] {
  const missing = result.length - operand.length;
  return result.flatMap((size, axis) =>
    axis < missing || (operand[axis - missing] === 1 && size !== 1) ? [axis] : [],
  );
}

/** A result's dimensions with the element strides of both operands, 0 where one is repeated. */
export interface BroadcastLayout {
  readonly sizes: number[];
  readonly stridesA: number[];
  readonly stridesB: number[];
}

/**
 * The fewest dimensions that describe a broadcast: neighbours that repeat the same operands are merged. A size of 1
 * that both operands spell out is dropped; but in the first dimension it counts as present, and one that an operand lacks
 * as repeated, so that a batch of one takes the same kernel as any other.
 */
export function broadcastLayout(a: Shape, b: Shape, result: Shape): BroadcastLayout {
  const merged: { size: number; a: boolean; b: boolean }[] = [];
  result.forEach((size, axis) => {
    const axisA = axis - result.length + a.length;
    const axisB = axis - result.length + b.length;
    if (size === 1 && axis > 0 && axisA >= 0 && axisB >= 0) return;
    const inA = axisA >= 0 && a[axisA] === size;
    const inB = axisB >= 0 && b[axisB] === size;
    const last = merged.at(-1);
    if (last && last.a === inA && last.b === inB) last.size *= size;
    else merged.push({ size, a: inA, b: inB });
  });
  if (merged.length === 0) merged.push({ size: 1, a: true, b: true });
  const strides = (operand: "a" | "b"): number[] => {
    let stride = 1;
    return merged
      .toReversed()
      .map((dimension) => {
        if (!dimension[operand]) return 0;
        const own = stride;
        stride *= dimension.size;
        return own;
      })
      .toReversed();
  };
  return { sizes: merged.map(({ size }) => size), stridesA: strides("a"), stridesB: strides("b") };
}
