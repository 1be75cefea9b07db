/** The standard normal distribution's 97.5% quantile. */
export const NORMAL_QUANTILE = 1.959963984540054;

const SMALL = [12.706204736174694, 4.302652729749462, 3.182446305283708, 2.7764451051977934];

/**
 * Student's 97.5% quantile: the first four from scipy, the others by Abramowitz and Stegun's expansion 26.7.5, to three
 * decimals.
 *
 * @param freedom degrees of freedom, an integer from 1
 */
export function studentQuantile(freedom: number): number {
  const small = SMALL[freedom - 1];
  if (small !== undefined) return small;
  const z = NORMAL_QUANTILE;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ];
  return terms.reduce((sum, term, i) => sum + term / freedom ** (i + 1), z);
}
