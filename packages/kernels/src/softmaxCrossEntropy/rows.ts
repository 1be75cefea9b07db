import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass, type Param, type PassDefinition } from "../plan.ts";
import { flatWorkgroupSize } from "../elementwise/flat.ts";

/** The invocations that share a row on a GPU. */
const GPU_LANES = 64;

/** One step of a row kernel, in WGSL that sees the row as `row` and its first element's index as `base`. */
export type RowStep =
  /** `let name = fold over j of value`, by `max` or `+`; `value` sees j. */
  | { readonly fold: "max" | "sum"; readonly name: string; readonly value: string }
  /** Once for each j. */
  | { readonly each: string }
  /** Once for the row. */
  | { readonly once: string };

export interface RowDefinition {
  readonly label: string;
  readonly bindings: PassDefinition["bindings"];
  /** Fields of `params` beside `rows` and `columns`. */
  readonly params?: Readonly<Record<string, Param>>;
  readonly functions?: string;
  readonly rows: number;
  readonly columns: number;
  readonly steps: readonly RowStep[];
}

const FOLD = {
  max: { start: "-3.4028234e38", combine: (a: string, b: string) => `max(${a}, ${b})` },
  sum: { start: "0.0", combine: (a: string, b: string) => `${a} + ${b}` },
} as const;

/**
 * A kernel that folds over each row of a matrix and writes elements of it: an invocation a row on a software device, a
 * workgroup a row on a GPU, where lanes fold strided parts of the row and then each other, in a fixed order.
 */
export function rowPass(definition: RowDefinition, limits: DeviceLimits): KernelPass {
  const { label, bindings, params, functions = "", rows, columns, steps } = definition;
  const cpu = limits.deviceClass === "cpu";
  const size = cpu ? flatWorkgroupSize(limits) : GPU_LANES;
  const loop = cpu
    ? "for (var j = 0u; j < params.columns; j++)"
    : `for (var j = lane; j < params.columns; j += ${size}u)`;
  const text = steps.map((step) => {
    if ("each" in step) return `${loop} { ${step.each} }`;
    if ("once" in step) return cpu ? step.once : `if (lane == 0u) { ${step.once} }`;
    const { start, combine } = FOLD[step.fold];
    const own = `var ${step.name}_ = ${start};\n  ${loop} { ${step.name}_ = ${combine(`${step.name}_`, step.value)}; }`;
    return `${own}\n  let ${step.name} = ${cpu ? `${step.name}_` : `${step.fold}Lanes(${step.name}_, lane)`};`;
  });
  const used = new Set(steps.flatMap((step) => ("fold" in step ? [step.fold] : [])));
  const lanes = cpu
    ? ""
    : `var<workgroup> shared_: array<f32, ${size}>;
${[...used]
  .map(
    (fold) => `fn ${fold}Lanes(value: f32, lane: u32) -> f32 {
  shared_[lane] = value;
  workgroupBarrier();
  for (var half = ${size / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { shared_[lane] = ${FOLD[fold].combine("shared_[lane]", "shared_[lane + half]")}; }
    workgroupBarrier();
  }
  let total = shared_[0];
  workgroupBarrier();
  return total;
}`,
  )
  .join("\n")}`;
  return definePass({
    label,
    bindings,
    params: { rows: { u32: rows }, columns: { u32: columns }, ...params },
    body: `${functions}${lanes}
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = ${cpu ? `(wid.y * nwg.x + wid.x) * ${size}u + lane` : "wid.y * nwg.x + wid.x"};
  if (row >= params.rows) { return; }
  let base = row * params.columns;
  ${text.join("\n  ")}
}`,
    workgroups: foldWorkgroups(cpu ? ceilDiv(rows, size) : rows, limits),
  });
}
