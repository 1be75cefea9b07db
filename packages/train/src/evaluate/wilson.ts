import { NORMAL_QUANTILE as Z } from "./studentT.ts";

/** Lower and upper end. */
export type Interval = [lower: number, upper: number];

/**
 * Wilson's score interval for a proportion, 95%, without continuity correction (E. B. Wilson, 1927; scipy's
 * `binomtest(k, n).proportion_ci(method="wilson")`). Unlike the normal approximation it stays within [0, 1] and is not empty
 * at 0 or n successes. Assumes independent trials: many films of one patient make it too narrow.
 *
 * @returns `null` for no trials
 */
export function wilsonInterval(successes: number, trials: number): Interval | null {
  if (trials === 0) return null;
  const p = successes / trials;
  const spread = (Z * Math.sqrt((p * (1 - p)) / trials + (Z * Z) / (4 * trials * trials))) / (1 + (Z * Z) / trials);
  const centre = (p + (Z * Z) / (2 * trials)) / (1 + (Z * Z) / trials);
  // Rounding must not cut off the proportion itself at the ends.
  return [successes === 0 ? 0 : centre - spread, successes === trials ? 1 : centre + spread];
}
