import { DeviceLimitError } from "./errors.ts";
import type { DeviceLimits } from "./limits.ts";

/** How activations and their gradients are stored. Arithmetic on them, sums and statistics are f32 either way. */
export type ActivationType = "f32" | "f16";

/** An array of activations in WGSL: how it is bound, and how an element, or a vec4 of them, becomes f32 and comes from it. */
export interface StoredArray {
  readonly read: { readonly type: string; readonly access: "read" };
  readonly write: { readonly type: string; readonly access: "read_write" };
  /** An f32 or vec4f from an element such as `x[i]`. */
  readonly load: (element: string) => string;
  /** What is assigned to an element, from an f32 or vec4f. To f16 it rounds to the nearest; what is too large becomes infinite. */
  readonly store: (value: string) => string;
  /** For `PassDefinition.enables`. */
  readonly enables: readonly string[];
}

const same = (text: string): string => text;

/** The WGSL of an array of activations; `width` 4 for vectors of four neighbours. */
export function storedArray(dtype: ActivationType, width: 1 | 4 = 1): StoredArray {
  const [whole, half] = width === 4 ? ["vec4f", "vec4h"] : ["f32", "f16"];
  const type = `array<${dtype === "f16" ? half : whole}>`;
  const bindings = { read: { type, access: "read" }, write: { type, access: "read_write" } } as const;
  if (dtype === "f32") return { ...bindings, load: same, store: same, enables: [] };
  return {
    ...bindings,
    load: (element) => `${whole}(${element})`,
    store: (value) => `${half}(${value})`,
    enables: ["enable f16;"],
  };
}

/** The bytes of `count` activations: a binding is a multiple of four. */
export const storedBytes = (dtype: ActivationType, count: number): number =>
  dtype === "f16" ? Math.ceil(count / 2) * 4 : count * 4;

/** Throws DeviceLimitError for f16 on a device without `shader-f16`. */
export function checkStored(kernel: string, dtype: ActivationType, limits: DeviceLimits): void {
  if (dtype === "f16" && !limits.f16) throw new DeviceLimitError(`${kernel} in f16`, "shader-f16", 1, 0);
}

/** What a kernel's name says of how activations are stored: nothing for f32. */
export const storedName = (dtype: ActivationType): string => (dtype === "f16" ? " f16" : "");
