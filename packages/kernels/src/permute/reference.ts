import { elementsOf, type Shape } from "../elementwise/broadcast.ts";
import { coordinates } from "../elementwise/reference.ts";
import type { SliceGeometry } from "./slice.ts";

const indexOf = (at: readonly number[], shape: Shape): number =>
  shape.reduce((sum, size, axis) => sum * size + at[axis]!, 0);

export function permuteReference(x: ArrayLike<number>, shape: Shape, order: readonly number[]): Float64Array {
  const result = order.map((axis) => shape[axis]!);
  const y = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const at = coordinates(i, shape);
    y[
      indexOf(
        order.map((axis) => at[axis]!),
        result,
      )
    ] = x[i]!;
  }
  return y;
}

export function sliceReference(x: ArrayLike<number>, { shape, starts, sizes }: SliceGeometry): Float64Array {
  return Float64Array.from({ length: elementsOf(sizes) }, (_, i) => {
    const at = coordinates(i, sizes).map((index, axis) => index + starts[axis]!);
    return x[indexOf(at, shape)]!;
  });
}

/** A copy of `whole` with its box replaced. */
export function sliceIntoReference(
  box: ArrayLike<number>,
  whole: ArrayLike<number>,
  { shape, starts, sizes }: SliceGeometry,
): Float64Array {
  const y = Float64Array.from(whole);
  for (let i = 0; i < box.length; i++) {
    const at = coordinates(i, sizes).map((index, axis) => index + starts[axis]!);
    y[indexOf(at, shape)] = box[i]!;
  }
  return y;
}
