import { broadcastShapes, elementsOf, type Shape } from "./broadcast.ts";
import { BINARY, type BinaryOp } from "./ops.ts";

/** op(a, b) in f64 with broadcasting, one coordinate at a time. */
export function binaryReference(
  op: BinaryOp,
  a: ArrayLike<number>,
  shapeA: Shape,
  b: ArrayLike<number>,
  shapeB: Shape,
): Float64Array {
  const shape = broadcastShapes(op, shapeA, shapeB);
  const f = BINARY[op].f64;
  return Float64Array.from({ length: elementsOf(shape) }, (_, i) => {
    const at = coordinates(i, shape);
    return f(a[offset(at, shapeA)]!, b[offset(at, shapeB)]!);
  });
}

/** The coordinates of element i of a row-major tensor. */
export function coordinates(i: number, shape: Shape): number[] {
  const at: number[] = [];
  for (const size of shape.toReversed()) {
    at.unshift(i % size);
    i = Math.floor(i / size);
  }
  return at;
}

function offset(at: readonly number[], shape: Shape): number {
  return shape.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : at[axis - shape.length + at.length]!), 0);
}
