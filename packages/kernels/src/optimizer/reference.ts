import type { AdamOptions, SgdOptions } from "./scalars.ts";

/** One step of Adam or AdamW in f64, in place on number arrays: the paper's equations with torch's weight decay. */
export function adamReference(
  params: number[],
  grads: ArrayLike<number>,
  m: number[],
  v: number[],
  options: AdamOptions,
  step: number,
): void {
  const { lr, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0, decoupled = false } = options;
  for (let i = 0; i < params.length; i++) {
    let g = grads[i]!;
    if (decoupled) params[i]! -= lr * weightDecay * params[i]!;
    else g += weightDecay * params[i]!;
    m[i] = beta1 * m[i]! + (1 - beta1) * g;
    v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
    const [mean, variance] = [m[i]! / (1 - beta1 ** step), v[i]! / (1 - beta2 ** step)];
    params[i]! -= (lr * mean) / (Math.sqrt(variance) + eps);
  }
}

/** One step of SGD in f64, in place. */
export function sgdReference(
  params: number[],
  grads: ArrayLike<number>,
  m: number[],
  options: SgdOptions,
  nesterov = false,
): void {
  const { lr, momentum = 0, weightDecay = 0 } = options;
  for (let i = 0; i < params.length; i++) {
    const g = grads[i]! + weightDecay * params[i]!;
    m[i] = momentum * m[i]! + g;
    params[i]! -= lr * (nesterov ? g + momentum * m[i]! : m[i]!);
  }
}
