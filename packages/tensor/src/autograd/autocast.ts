let casting = false;

/** True while products (conv2d, matmul, linear) compute on f16. */
export const autocastEnabled = (): boolean => casting;

/**
 * Runs `fn` with products on f16, as torch.autocast: `conv2d`, `matmul` and `linear` read f16 copies of f32 operands (a
 * tensor's own copy where it has one, see `Module.makeHalfCopies` and an optimiser's `halfCopies`; else it is cast) and give f16; sums
 * are f32 inside. All other ops keep the type of what they are given, and batch norm's parameters and statistics, softmax,
 * losses and sums are f32. Gradients come in the type of their tensor: those of f32 weights are f32. Only the forward pass belongs
 * inside. `fn` must be synchronous.
 */
export function autocast<T>(fn: () => T, { enabled = true }: { readonly enabled?: boolean } = {}): T {
  const before = casting;
  casting = enabled;
  try {
    const result = fn();
    if (result instanceof Promise) throw new TypeError("autocast: the function must not be asynchronous");
    return result;
  } finally {
    casting = before;
  }
}
