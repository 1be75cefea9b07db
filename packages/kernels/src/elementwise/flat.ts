import { DeviceLimitError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass, type Param, type PassDefinition } from "../plan.ts";

export const F32_READ = { type: "array<f32>", access: "read" } as const;
export const F32_WRITE = { type: "array<f32>", access: "read_write" } as const;
export const U32_READ = { type: "array<u32>", access: "read" } as const;
export const U32_WRITE = { type: "array<u32>", access: "read_write" } as const;

/** `isNan(v)` by its bits: compilers fold `v != v`. */
export const IS_NAN = "fn isNan(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }";

/** Elements that one invocation of a flat pass serves. */
export const ELEMENTS_PER_INVOCATION = 4;

/** The invocations of a workgroup of a flat pass: 64 on a software device, where 256 measured a tenth slower. */
export const flatWorkgroupSize = ({ deviceClass }: DeviceLimits): number => (deviceClass === "cpu" ? 64 : 256);

/** Throws a DeviceLimitError if an operand is too large to be bound in one piece. */
export function checkBindingSizes(kernel: string, bytes: Readonly<Record<string, number>>, limits: DeviceLimits): void {
  for (const [name, size] of Object.entries(bytes)) {
    if (size > limits.maxStorageBindingBytes) {
      throw new DeviceLimitError(`${kernel}: ${name}`, "maxStorageBindingBytes", size, limits.maxStorageBindingBytes);
    }
  }
}

/** What serves each element of a flat pass: WGSL that sees its index as `i`. */
export interface FlatDefinition {
  readonly label: string;
  readonly bindings: PassDefinition["bindings"];
  /** Fields of `params` beside `count`, which comes first. */
  readonly params?: Readonly<Record<string, Param>>;
  readonly enables?: readonly string[];
  /** Declarations: `fn value(i: u32) -> T` at least, the value of element i. */
  readonly functions: string;
  /** The written array. */
  readonly output: string;
  /** Where element i goes in `output`, in place of i: WGSL, for example `place(i)`, as a function of an index. */
  readonly place?: (i: string) => string;
  /** Elements written. */
  readonly count: number;
  /**
   * For the software device, where four consecutive elements share work that `value` would repeat (the coordinates of
   * a broadcast index): statements that run once at `i`, a multiple of 4, and the value of element `i + k`.
   */
  readonly quad?: { readonly prepare: string; readonly value: (k: number) => string } | null;
}

/**
 * One output element per index, any count with the same WGSL. A GPU's invocation serves four elements a workgroup's
 * width apart (coalesced); a software device's serves four consecutive ones, loaded before any is stored: on lavapipe
 * 24 GB/s against 5 for one element an invocation and 17 for `array<vec4f>`.
 */
export function flatPass(definition: FlatDefinition, limits: DeviceLimits): KernelPass {
  const { label, bindings, functions, output, count, quad, place = (i: string) => i } = definition;
  const size = flatWorkgroupSize(limits);
  const values = [0, 1, 2, 3].map((k) => (quad ? quad.value(k) : k === 0 ? "value(i)" : `value(i + ${k}u)`));
  const main =
    limits.deviceClass === "cpu"
      ? `  let i = (group * ${size}u + lane) * 4u;
  if (i + 3u < params.count) {
${quad ? indent(quad.prepare, 4) + "\n" : ""}${values.map((value, k) => `    let v${k} = ${value};`).join("\n")}
${values.map((_, k) => `    ${output}[${place(k === 0 ? "i" : `i + ${k}u`)}] = v${k};`).join("\n")}
  } else {
    for (var j = i; j < params.count; j++) { ${output}[${place("j")}] = value(j); }
  }`
      : `  var i = group * ${size * ELEMENTS_PER_INVOCATION}u + lane;
  for (var k = 0u; k < ${ELEMENTS_PER_INVOCATION}u; k++) {
    if (i < params.count) { ${output}[${place("i")}] = value(i); }
    i += ${size}u;
  }`;
  return definePass({
    label,
    bindings,
    params: { count: { u32: count }, ...definition.params },
    ...(definition.enables ? { enables: definition.enables } : {}),
    body: `${functions.trim()}
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
${main}
}`,
    workgroups: foldWorkgroups(ceilDiv(count, size * ELEMENTS_PER_INVOCATION), limits),
  });
}

function indent(text: string, spaces: number): string {
  return text
    .trim()
    .split("\n")
    .map((line) => " ".repeat(spaces) + line.trim())
    .join("\n");
}
