import { elementsOf, type Shape } from "../elementwise/broadcast.ts";
import { coordinates } from "../elementwise/reference.ts";
import type { ReduceOp } from "./reduce.ts";

/** The reduction in f64, element by element. */
export function reduceReference(
  op: ReduceOp,
  x: ArrayLike<number>,
  shape: Shape,
  axes: readonly number[],
): Float64Array {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const start = { sum: 0, mean: 0, sumOfSquares: 0, max: -Infinity, min: Infinity }[op];
  const y = new Float64Array(elementsOf(kept)).fill(start);
  const count = elementsOf(shape) / y.length;
  for (let i = 0; i < x.length; i++) {
    const at = coordinates(i, shape);
    const target = kept.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : at[axis]!), 0);
    const value = x[i]!;
    if (op === "max") y[target] = Math.max(y[target]!, value);
    else if (op === "min") y[target] = Math.min(y[target]!, value);
    else if (op === "sumOfSquares") y[target]! += value * value;
    else y[target]! += op === "mean" ? value / count : value;
  }
  return y;
}
