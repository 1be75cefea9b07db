import type { nn } from "@fracture/tensor";

/** DataParallel, torch.compile, and Lightning modules that hold the network as `model`. */
const PREFIXES = ["module.", "_orig_mod.", "model."] as const;
const MAX_PREFIXES = 4;

/** Takes off the prefixes that wrappers of a model put before every name. A prefix that only some names have stays. */
export function strippedNames(state: nn.StateDict): {
  readonly state: nn.StateDict;
  readonly prefixes: readonly string[];
} {
  const prefixes: string[] = [];
  let names = [...state.keys()];
  // Wrappers in wrappers are rare, and a name made of prefixes alone is an attack.
  while (prefixes.length < MAX_PREFIXES) {
    const prefix = PREFIXES.find((p) => names.length > 0 && names.every((name) => name.startsWith(p)));
    if (prefix === undefined) break;
    prefixes.push(prefix);
    names = names.map((name) => name.slice(prefix.length));
  }
  const entries = [...state.values()];
  return { state: prefixes.length > 0 ? new Map(names.map((name, i) => [name, entries[i]!])) : state, prefixes };
}
