/**
 * Linear warm-up: the factor on the rates of a step, counted from 0 in its stage. Rises in equal steps to 1, which the last of `steps` has
 * (Goyal et al. 2017, arXiv:1706.02677, from a rate of nearly zero). A pure function of the step, so that a resumed run needs no state.
 */
export const warmupFactor = (step: number, steps: number): number => Math.min(1, (step + 1) / Math.max(1, steps));
