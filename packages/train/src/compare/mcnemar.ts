/** McNemar's test of two raters on the same samples. */
export interface McNemar {
  /** Samples that only the first has right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided: how likely so unequal numbers, or more, are where both are equally good. */
  readonly pValue: number;
  /** "exact": the binomial distribution. "chi-squared": with Edwards' continuity correction, for many discordant pairs. */
  readonly method: "exact" | "chi-squared";
}

/** Up to so many discordant pairs the binomial distribution is summed. */
const MOST_EXACT = 1000;

/**
 * McNemar (1947), on the samples that exactly one of two has right: the exact binomial test up to 1,000 of them, above the
 * chi-squared approximation with continuity correction (statsmodels' `mcnemar`).
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const discordant = onlyFirst + onlySecond;
  const pairs = { onlyFirst, onlySecond };
  if (discordant <= MOST_EXACT) {
    const fewer = Math.min(onlyFirst, onlySecond);
    // Two tails of a binomial distribution of one half, by logarithms: 0.5^1000 is no double.
    let [tail, logTerm] = [0, -discordant * Math.LN2];
    for (let k = 0; k <= fewer; k++) {
      tail += Math.exp(logTerm);
      logTerm += Math.log((discordant - k) / (k + 1));
    }
    return { ...pairs, pValue: Math.min(1, 2 * tail), method: "exact" };
  }
  const root = Math.max(0, Math.abs(onlyFirst - onlySecond) - 1) / Math.sqrt(discordant);
  return { ...pairs, pValue: complementaryError(root / Math.SQRT2), method: "chi-squared" };
}

/** 1 - erf(x) for x from 0: Numerical Recipes' Chebyshev fit, relative error below 1.2e-7. */
function complementaryError(x: number): number {
  const t = 1 / (1 + x / 2);
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  return t * Math.exp(-x * x + coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0));
}
