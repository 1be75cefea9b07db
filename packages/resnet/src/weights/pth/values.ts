import { shown } from "../errors.ts";

/** What an unpickled file can consist of. Lists, tuples and sets are arrays; numbers beyond 2^53 are bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleDict
  | readonly PickleValue[]
  | ExternalObject;

/** A dict; a Map, so that keys such as "__proto__" mean nothing. Made only when something goes in: empty dicts cost a file one byte. */
export class PickleDict {
  #entries: Map<PickleValue, PickleValue> | null = null;

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get(key: PickleValue): PickleValue | undefined {
    return this.#entries?.get(key);
  }

  set(key: PickleValue, value: PickleValue): void {
    (this.#entries ??= new Map()).set(key, value);
  }

  entries(): Iterable<[PickleValue, PickleValue]> {
    return this.#entries ?? [];
  }
}

/** What the pickle's surroundings contribute: allowed names, storages, tensors. The unpickler only passes them around. */
export abstract class ExternalObject {
  /** For error messages. */
  abstract readonly title: string;
}

/** Everything an unpickler does that isn't plain data. Each throws a WeightsError for what isn't allowed. */
export interface PickleWorld {
  /** An allowed name. Nothing is imported; the result is only a marker for `construct`. */
  global(module: string, name: string): PickleValue;
  /** `callable(*args)`, for the callables that `global` knows. */
  construct(callable: PickleValue, args: readonly PickleValue[]): PickleValue;
  /** `object.__setstate__(state)`; returns the object that stands for it. */
  setState(object: PickleValue, state: PickleValue): void;
  /** An object that the pickle only refers to. */
  persistent(id: PickleValue): PickleValue;
}

export function describeValue(value: PickleValue): string {
  if (value === null) return "None";
  if (value instanceof ExternalObject) return value.title;
  if (value instanceof PickleDict) return "a dict";
  if (value instanceof Uint8Array) return "bytes";
  if (Array.isArray(value)) return "a list or tuple";
  if (typeof value === "string") return `the text ${shown(value)}`;
  return typeof value === "object" ? "an object" : shown(String(value)).slice(1, -1);
}
