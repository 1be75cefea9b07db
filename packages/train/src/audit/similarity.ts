import { THUMBNAIL_SIDE } from "./detail.ts";

const AREA = THUMBNAIL_SIDE ** 2;
/** After each part of two details it is known how alike they can still turn out to be. */
const PARTS = 16;
const PART = AREA / PARTS;

/** A detail (see `detailOf`) ready to be compared. */
export interface MeasuredDetail {
  readonly values: Int8Array;
  /** [PARTS + 1] The norm of what follows each part's beginning; the first is that of all, the last 0. */
  readonly norms: Float64Array;
}

export function measured(values: Int8Array): MeasuredDetail {
  const norms = new Float64Array(PARTS + 1);
  let squares = 0;
  for (let part = PARTS - 1; part >= 0; part--) {
    for (let i = part * PART; i < (part + 1) * PART; i++) squares += values[i]! * values[i]!;
    norms[part] = Math.sqrt(squares);
  }
  return { values, norms };
}

/**
 * Pearson's correlation of two details, -1 to 1, where it is `least` or more; null below. What is left of two details adds to their product the
 * product of its norms at the most (Cauchy and Schwarz), so most pairs are told after some hundred of 4,096 values.
 */
export function correlationFrom(least: number, a: MeasuredDetail, b: MeasuredDetail): number | null {
  const whole = a.norms[0]! * b.norms[0]!;
  if (whole === 0) return null;
  const needed = least * whole;
  const [x, y] = [a.values, b.values];
  let sum = 0;
  for (let part = 0; part < PARTS; part++) {
    for (let i = part * PART; i < (part + 1) * PART; i++) sum += x[i]! * y[i]!;
    if (sum + a.norms[part + 1]! * b.norms[part + 1]! < needed) return null;
  }
  return sum / whole;
}
