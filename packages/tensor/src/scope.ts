/** What a scope disposes of. */
interface Tracked {
  dispose(): void;
}

let current: Set<Tracked> | null = null;

/** Called by the constructor of Tensor. */
export function track(tensor: Tracked): void {
  current?.add(tensor);
}

/** Takes a tensor out of the innermost scope, so that it outlives `tidy`. */
export function keep<T extends Tracked>(tensor: T): T {
  current?.delete(tensor);
  return tensor;
}

/**
 * Runs `fn` and disposes of every tensor that was created in it, but for those that it returns (a tensor, or an
 * array or record of tensors): they belong to the scope around. `fn` must be synchronous.
 */
export function tidy<T>(fn: () => T): T {
  const outer = current;
  const scope = new Set<Tracked>();
  current = scope;
  try {
    const result = fn();
    if (result instanceof Promise) throw new TypeError("tidy: the function must not be asynchronous");
    for (const tensor of tracked(result)) {
      if (scope.delete(tensor)) outer?.add(tensor);
    }
    return result;
  } finally {
    current = outer;
    for (const tensor of scope) tensor.dispose();
  }
}

function tracked(value: unknown): Tracked[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(tracked);
  if ("dispose" in value && typeof value.dispose === "function") return [value as Tracked];
  return Object.getPrototypeOf(value) === Object.prototype ? Object.values(value).flatMap(tracked) : [];
}
