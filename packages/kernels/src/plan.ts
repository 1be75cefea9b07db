import { DeviceLimitError, GeometryError } from "./errors.ts";
import type { DeviceLimits } from "./limits.ts";
import type { Made } from "./made.ts";

/**
 * A kernel is a pure function `(geometry, limits, options) -> KernelPlan`. The plan is plain data: it can be
 * snapshot-tested and costed without a GPU, and `encode.ts` is the one file that turns it into GPU work.
 */
export interface KernelPlan {
  /** "conv2d.forward 3x3/1 [8,56,56,64]": the kernel and what it was planned for. */
  readonly name: string;
  /** The buffers that the caller binds, by name, each with the bytes that the plan touches. */
  readonly operands: Readonly<Record<string, number>>;
  /** Scratch buffers, by name, in bytes. Their contents are undefined before and after. */
  readonly workspace: Readonly<Record<string, number>>;
  readonly passes: readonly KernelPass[];
  /** Floating-point operations, a multiply-add counted as two. */
  readonly flop: number;
  /** The least bytes to be moved: every operand read or written once. */
  readonly bytes: number;
  /** What it was made from, where a pass over captured programs knows what else to make of that. */
  readonly made?: Made;
}

/** What a plan does, without its name and what it costs. */
export type PlanBody = Pick<KernelPlan, "passes" | "workspace">;

export type Access = "read" | "read_write";

/** The n-th binding of a pass is `@group(0) @binding(n)`; a pass's `params` come last, as a uniform. */
export interface Binding {
  /** The key in the plan's `operands` or `workspace`. */
  readonly operand: string;
  /** "read_write" for everything that is written. One buffer must not be bound twice in a pass unless both are "read". */
  readonly access: Access;
}

export interface KernelPass {
  readonly label: string;
  /** A whole module, entry point `main`. Pipelines are cached by this text. */
  readonly wgsl: string;
  readonly bindings: readonly Binding[];
  /** The bytes of the uniform `params` (16-byte multiple). Sizes that depend on the batch live here, so that another batch compiles nothing. */
  readonly params: ArrayBuffer | null;
  readonly workgroups: readonly [number, number, number];
}

/** A scalar of the uniform block: u32, i32 or f32. */
export type Param = { readonly u32: number } | { readonly i32: number } | { readonly f32: number };

export interface PassDefinition {
  readonly label: string;
  /**
   * Bindings in order, the key is the variable's name in WGSL, and the operand's where none is given:
   * `x: { type: "array<f32>", access: "read" }`. Passes that differ in their operands' names alone share a pipeline.
   */
  readonly bindings: Readonly<
    Record<string, { readonly type: string; readonly access: Access; readonly operand?: string }>
  >;
  /** Fields of `var<uniform> params: Params`; `params.rows` in WGSL. */
  readonly params?: Readonly<Record<string, Param>>;
  /** `enable f16;` and the like, one a line, put first. */
  readonly enables?: readonly string[];
  /** WGSL after the declarations: functions and `@compute @workgroup_size(..) fn main(..)`. */
  readonly body: string;
  readonly workgroups: readonly [number, number, number];
}

/** Puts a pass together: the declarations of bindings and params are generated, so that they can't disagree with the plan. */
export function definePass(definition: PassDefinition): KernelPass {
  const names = Object.keys(definition.bindings);
  const declarations = names.map((name, index) => {
    const { type, access } = definition.bindings[name]!;
    return `@group(0) @binding(${index}) var<storage, ${access}> ${name}: ${type};`;
  });
  const params = Object.entries(definition.params ?? {});
  if (params.length > 0) {
    const fields = params.map(([name, value]) => `${name}: ${Object.keys(value)[0]}`).join(", ");
    declarations.push(
      `struct Params { ${fields} }`,
      `@group(0) @binding(${names.length}) var<uniform> params: Params;`,
    );
  }
  return {
    label: definition.label,
    wgsl: [...(definition.enables ?? []), ...declarations, definition.body.trim(), ""].join("\n"),
    bindings: names.map((name) => {
      const { operand = name, access } = definition.bindings[name]!;
      return { operand, access };
    }),
    params: params.length > 0 ? packParams(params.map(([, value]) => value)) : null,
    workgroups: definition.workgroups,
  };
}

function packParams(values: readonly Param[]): ArrayBuffer {
  const buffer = new ArrayBuffer(Math.ceil(values.length / 4) * 16);
  const view = new DataView(buffer);
  values.forEach((value, index) => {
    if ("u32" in value) view.setUint32(index * 4, value.u32, true);
    else if ("i32" in value) view.setInt32(index * 4, value.i32, true);
    else view.setFloat32(index * 4, value.f32, true);
  });
  return buffer;
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** Throws a GeometryError unless every size is a positive integer. */
export function checkSizes(kernel: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new GeometryError(kernel, `${name} must be a positive integer`, sizes);
  }
}

/**
 * Workgroups for `count` of them in one dimension: past the device's limit they are folded into y.
 * In WGSL: `let workgroup = wid.y * nwg.x + wid.x;` with `@builtin(workgroup_id) wid` and `@builtin(num_workgroups) nwg`,
 * and a guard against the surplus.
 */
export function foldWorkgroups(count: number, limits: DeviceLimits): [number, number, number] {
  const most = limits.maxWorkgroupsPerDimension;
  if (count <= most) return [count, 1, 1];
  const rows = ceilDiv(count, most);
  if (rows > most) throw new DeviceLimitError("a kernel", "workgroups", count, most * most);
  return [ceilDiv(count, rows), rows, 1];
}
