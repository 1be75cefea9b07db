let recording = true;

/** True while ops record what a backward pass needs. */
export const gradEnabled = (): boolean => recording;

/** Runs `fn` without recording gradients (torch's `no_grad`). `fn` must be synchronous. */
export function noGrad<T>(fn: () => T): T {
  const before = recording;
  recording = false;
  try {
    const result = fn();
    if (result instanceof Promise) throw new TypeError("noGrad: the function must not be asynchronous");
    return result;
  } finally {
    recording = before;
  }
}
