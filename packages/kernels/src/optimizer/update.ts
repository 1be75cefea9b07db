import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkSizes, definePass, type KernelPlan, type Param } from "../plan.ts";
import { checkStored, storedArray, storedBytes } from "../stored.ts";
import { checkBindingSizes, F32_READ, F32_WRITE, flatMain, flatWorkgroups, U32_READ } from "../elementwise/flat.ts";

/** A run of elements that ends before `end` and belongs to parameter group `group`. */
export interface Segment {
  readonly end: number;
  readonly group: number;
}

export interface UpdateGeometry {
  /** Elements of the arenas: all parameters of an optimiser, one after the other, padding included. */
  readonly count: number;
  /**
   * Which group each part of the arenas belongs to, in order; the last one ends at `count`, the others at multiples of
   * 4. One group for all where it is left out. Neighbours of one group are merged; at most MAX_SEGMENTS remain.
   */
  readonly segments?: readonly Segment[];
  /** Writes the parameters, rounded to f16, to the operand `half` [count] too. Default: false. */
  readonly half?: boolean;
  /** Does nothing where the operand `flag` [1] u32 is not 0. Default: false. */
  readonly skippable?: boolean;
}

/** Segments are params of the kernel: more of them would cost more than the order of the arena should. */
export const MAX_SEGMENTS = 64;

function mergeSegments(kernel: string, { count, segments = [{ end: count, group: 0 }] }: UpdateGeometry): Segment[] {
  const merged: Segment[] = [];
  let start = 0;
  for (const { end, group } of segments) {
    if (!Number.isInteger(group) || group < 0) throw new GeometryError(kernel, "a group is numbered from 0", { group });
    if (end <= start || end > count || (end !== count && end % 4 !== 0)) {
      throw new GeometryError(kernel, "segments must follow each other and end at multiples of 4 within count", {
        start,
        end,
        count,
      });
    }
    if (merged.at(-1)?.group === group) merged.pop();
    merged.push({ end, group });
    start = end;
  }
  if (start !== count) throw new GeometryError(kernel, "the last segment must end at count", { end: start, count });
  if (merged.length > MAX_SEGMENTS)
    throw new GeometryError(kernel, `more than ${MAX_SEGMENTS} segments: order the arena by group`, {
      segments: merged.length,
    });
  return merged;
}

export interface UpdateRule {
  readonly kernel: string;
  /** f32 of the operand `scalars` for each group; in WGSL `s(k)` is the group's k-th. */
  readonly scalarsPerGroup: number;
  /** Arenas beside `params` and `grads`, read and written: moments. */
  readonly state: readonly string[];
  /** WGSL that updates `w_` (a parameter) and the state's variables (`m_` for `m`) from `g_` (its gradient); each is an f32 or a vec4f. */
  readonly wgsl: string;
  readonly flopPerElement: number;
}

/**
 * One pass over flat arenas: any number of parameter tensors in one dispatch.
 */
export function planUpdate(rule: UpdateRule, geometry: UpdateGeometry, limits: DeviceLimits): KernelPlan {
  const { kernel, scalarsPerGroup, state } = rule;
  const { count, half = false, skippable = false } = geometry;
  checkSizes(kernel, { count });
  const segments = mergeSegments(kernel, geometry);
  const groups = Math.max(...segments.map(({ group }) => group)) + 1;
  const name = `${kernel} [${count}]${groups > 1 ? ` in ${groups} groups` : ""}`;
  // The names in WGSL, where `params` is the uniform block.
  const written = ["w", ...state];
  const arenas = [...written, "g"];
  const operands: Record<string, number> = {
    ...Object.fromEntries(arenas.map((arena) => [operandOf(arena), count * 4])),
    scalars: groups * scalarsPerGroup * 4,
    ...(half ? { half: storedBytes("f16", count) } : {}),
    ...(skippable ? { flag: 4 } : {}),
  };
  if (half) checkStored(name, "f16", limits);
  checkBindingSizes(name, operands, limits);
  const params: Record<string, Param> = { count: { u32: count } };
  segments.forEach(({ end, group }, index) => {
    params[`group${index}`] = { u32: group };
    if (index < segments.length - 1) params[`end${index}`] = { u32: end };
  });
  const choices = segments
    .slice(1)
    .map((_, index) => `  group = select(group, params.group${index + 1}, i >= params.end${index});`);
  const update = (type: "f32" | "vec4f"): string => {
    const load = (arena: string): string =>
      type === "f32" ? `${arena}[i]` : `vec4f(${[0, 1, 2, 3].map((k) => `${arena}[i + ${k}u]`).join(", ")})`;
    const store = (arena: string): string[] =>
      type === "f32" ? [`${arena}[i] = ${arena}_;`] : [0, 1, 2, 3].map((k) => `${arena}[i + ${k}u] = ${arena}_[${k}];`);
    const round = type === "f32" ? ["half[i] = f16(w_);"] : [0, 1, 2, 3].map((k) => `half[i + ${k}u] = f16(w_[${k}]);`);
    return `fn update_${type}(i: u32) {
  let base = baseOf(i);
  ${arenas.map((arena) => `var ${arena}_ = ${load(arena)};`).join("\n  ")}
  ${rule.wgsl.trim().replaceAll(/\bs\((\d+)\)/g, "scalars[base + $1u]")}
  ${[...written.flatMap(store), ...(half ? round : [])].join("\n  ")}
}`;
  };
  const pass = definePass({
    label: name,
    bindings: {
      ...Object.fromEntries(written.map((arena) => [arena, F32_WRITE])),
      g: F32_READ,
      scalars: F32_READ,
      ...(half ? { half: storedArray("f16").write } : {}),
      ...(skippable ? { flag: U32_READ } : {}),
    },
    params,
    ...(half ? { enables: ["enable f16;"] } : {}),
    body: `// Where the scalars of element i's group begin.
fn baseOf(i: u32) -> u32 {
  var group = params.group0;
${choices.join("\n")}
  return group * ${scalarsPerGroup}u;
}
${limits.deviceClass === "cpu" ? `${update("vec4f")}\n` : ""}${update("f32")}
${flatMain("      update_vec4f(i);", (i) => `update_f32(${i});`, limits, skippable ? "  if (flag[0] != 0u) { return; }\n" : "")}`,
    workgroups: flatWorkgroups(count, limits),
  });
  const bytes =
    count * 4 * (2 * written.length + 1) + operands["scalars"]! + (operands["half"] ?? 0) + (operands["flag"] ?? 0);
  const bindings = pass.bindings.map(({ operand, access }) => ({ operand: operandOf(operand), access }));
  return { name, operands, workspace: {}, flop: rule.flopPerElement * count, bytes, passes: [{ ...pass, bindings }] };
}

const operandOf = (arena: string): string => (arena === "w" ? "params" : arena === "g" ? "grads" : arena);
