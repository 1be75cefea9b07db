import { ShapeError } from "./errors.ts";

/** Sizes of the dimensions, outermost first; [] is a scalar. Row-major, always contiguous. */
export type Shape = readonly number[];

/** The number of elements: 1 for a scalar's []. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

/** True for equal sizes in equal number. */
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i]);

/** Throws unless every size is a positive integer (empty tensors are not supported). */
export function checkShape(op: string, shape: Shape): void {
  if (!shape.every((size) => Number.isSafeInteger(size) && size > 0))
    throw new ShapeError(op, "every size must be a positive integer", { shape });
}

/** Throws unless the tensor has `rank` dimensions. */
export function checkRank(op: string, name: string, shape: Shape, rank: number): void {
  if (shape.length !== rank) throw new ShapeError(op, `${name} must have ${rank} dimensions`, { [name]: shape });
}

/** Axes as non-negative, sorted and unique; negative ones count from the end, as in torch. Default: all. */
export function normalizeAxes(op: string, shape: Shape, axes?: number | readonly number[]): number[] {
  const given = axes === undefined ? shape.map((_, i) => i) : typeof axes === "number" ? [axes] : axes;
  const wrapped = given.map((axis) => (axis < 0 ? axis + shape.length : axis));
  if (
    wrapped.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= shape.length) ||
    new Set(wrapped).size < wrapped.length
  ) {
    throw new ShapeError(op, `axes ${JSON.stringify(given)} must be distinct and within the rank`, { x: shape });
  }
  return wrapped.toSorted((a, b) => a - b);
}
