import { flatWorkgroupSize } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass, type PassDefinition } from "../plan.ts";
import { storedArray, type ActivationType } from "../stored.ts";

/** Four channels at once where c is a multiple of 4, and the WGSL for them: `type` is what they are computed in. */
export function columnsOf(c: number, dtype: ActivationType = "f32") {
  const width = c % 4 === 0 ? 4 : 1;
  const type = width === 4 ? "vec4f" : "f32";
  return {
    width,
    columns: c / width,
    type,
    index: width === 4 ? "vec4u" : "u32",
    ...storedArray(dtype, width),
  } as const;
}

export interface Walk {
  readonly label: string;
  readonly bindings: PassDefinition["bindings"];
  readonly enables?: readonly string[];
  readonly functions?: string;
  /** Images: data. */
  readonly n: number;
  /** Places down and across an image, and columns of channels: constants. */
  readonly down: number;
  readonly across: number;
  readonly columns: number;
  /** Statements that run once a row of places; they see `image`, `row` and `column`. */
  readonly prepare: string;
  /** Statements for one place; they see `place`, too. */
  readonly each: string;
}

/**
 * Visits every (image, row, place, column). A GPU's invocation serves one, neighbours in a column's direction; a software
 * device's serves a whole row of places, so that the index arithmetic is shared.
 */
export function walkPass(
  { label, bindings, enables = [], functions = "", n, down, across, columns, prepare, each }: Walk,
  limits: DeviceLimits,
): KernelPass {
  const size = flatWorkgroupSize(limits);
  const cpu = limits.deviceClass === "cpu";
  const count = n * down * columns * (cpu ? 1 : across);
  const body = cpu
    ? `let rest = i / ${columns}u;
  let row = rest % ${down}u;
  let image = rest / ${down}u;
  ${prepare}
  for (var place = 0u; place < ${across}u; place++) {
    ${each}
  }`
    : `let place = i / ${columns}u % ${across}u;
  let rest = i / ${columns * across}u;
  let row = rest % ${down}u;
  let image = rest / ${down}u;
  ${prepare}
  ${each}`;
  return definePass({
    label,
    bindings,
    params: { count: { u32: count } },
    enables,
    body: `${functions}
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.y * nwg.x + wid.x) * ${size}u + lane;
  if (i >= params.count) { return; }
  let column = i % ${columns}u;
  ${body}
}`,
    workgroups: foldWorkgroups(ceilDiv(count, size), limits),
  });
}
