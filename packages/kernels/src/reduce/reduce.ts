import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, checkSizes, definePass, foldWorkgroups, type KernelPass, type KernelPlan } from "../plan.ts";
import { checkStored, storedArray, storedBytes, storedName, type ActivationType } from "../stored.ts";
import { elementsOf, type Shape } from "../elementwise/broadcast.ts";
import { checkBindingSizes, F32_READ, F32_WRITE, flatWorkgroupSize, IS_NAN, U32_WRITE } from "../elementwise/flat.ts";

export type ReduceOp = "sum" | "mean" | "sumOfSquares" | "max" | "min";

export interface ReduceGeometry {
  readonly op: ReduceOp;
  readonly shape: Shape;
  /** Axes to reduce, each from 0 to the rank less one, or all of them where it is left out. */
  readonly axes?: readonly number[];
  /** How x is stored; partial results and y are f32. Default: "f32". */
  readonly dtype?: ActivationType;
}

/** Combines two values: the WGSL, and where an accumulation starts. A NaN comes through, as in torch. */
const COMBINE: Readonly<Record<ReduceOp, { readonly wgsl: string; readonly start: string }>> = {
  sum: { wgsl: "a + b", start: "0.0" },
  mean: { wgsl: "a + b", start: "0.0" },
  sumOfSquares: { wgsl: "a + b", start: "0.0" },
  max: { wgsl: "select(select(b, a, a > b), a, isNan(a))", start: "bitcast<f32>(params.infinity | 0x80000000u)" },
  min: { wgsl: "select(select(b, a, a < b), a, isNan(a))", start: "bitcast<f32>(params.infinity)" },
};

/** A param, because WGSL refuses an infinite constant. */
const INFINITY_BITS = 0x7f80_0000;

/** The longest run that one invocation adds up in order; longer sums are trees of such runs, which bounds their error. */
const LONGEST_RUN = 256;
const SHORTEST_RUN = 16;
/** As many invocations as keep the device busy, where the size of the reduction allows it. */
const INVOCATIONS = { cpu: 2048, gpu: 65_536 } as const;

/** The shape that remains, and the reduction as groups of adjacent axes: [outer, reduced, inner], the last group first. */
export function reduceGroups(
  kernel: string,
  shape: Shape,
  axes: readonly number[],
): { outer: number; reduced: number; inner: number }[] {
  if (new Set(axes).size !== axes.length) throw new GeometryError(kernel, "axes repeat", { shape, axes });
  const sizes = [...shape];
  const groups: { outer: number; reduced: number; inner: number }[] = [];
  for (const axis of axes) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
      throw new GeometryError(kernel, `axis ${axis} is not an axis of the shape`, { shape, axes });
  }
  const chosen = new Set(axes);
  for (let end = shape.length - 1; end >= 0; end--) {
    if (!chosen.has(end)) continue;
    let start = end;
    while (start > 0 && chosen.has(start - 1)) start--;
    groups.push({
      outer: elementsOf(sizes.slice(0, start)),
      reduced: elementsOf(sizes.slice(start, end + 1)),
      inner: elementsOf(sizes.slice(end + 1)),
    });
    sizes.splice(start, end + 1 - start);
    end = start;
  }
  return groups;
}

/**
 * y = the sum, mean, sum of squares, largest or smallest value over `axes` of a contiguous x. Operands `x`, `y` (f32); y
 * has x's elements without the reduced axes. Adjacent axes are one reduction, others follow each other, the last first. An invocation adds
 * a run of at most 256 in order; partial results go through a workspace and are reduced in the same way, so the order
 * is fixed and the error grows as the logarithm of the size. Throws GeometryError for axes that the shape hasn't got.
 */
export function planReduce(geometry: ReduceGeometry, limits: DeviceLimits): KernelPlan {
  const { op, shape, dtype = "f32" } = geometry;
  const axes = geometry.axes ?? shape.map((_, axis) => axis);
  checkSizes(op, Object.fromEntries(shape.map((size, axis) => [`size ${axis}`, size])));
  const name = `${op}${storedName(dtype)} [${shape.join(",")}] over ${axes.join(",")}`;
  checkStored(name, dtype, limits);
  const groups = reduceGroups(op, shape, axes);
  if (groups.length === 0) groups.push({ outer: elementsOf(shape), reduced: 1, inner: 1 });
  const stages = groups.flatMap((group) => runsOf(group, limits));
  const total = elementsOf(shape);
  const result = total / groups.reduce((product, { reduced }) => product * reduced, 1);
  const workspace: Record<string, number> = {};
  let source = "x";
  const passes = stages.map((stage, index) => {
    const last = index === stages.length - 1;
    const target = last ? "y" : `partial${index}`;
    if (!last) workspace[target] = stage.outer * stage.runs * stage.inner * 4;
    const pass = reducePass(
      `${name} ${index + 1}/${stages.length}`,
      op,
      { ...stage, scale: last && op === "mean" ? result / total : 1, dtype: index === 0 ? dtype : "f32" },
      source,
      target,
      limits,
    );
    source = target;
    return pass;
  });
  const operands = { x: storedBytes(dtype, total), y: result * 4 };
  checkBindingSizes(name, { ...operands, ...workspace }, limits);
  return { name, operands, workspace, flop: total, bytes: operands.x + operands.y, passes };
}

interface Stage {
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
  /** Invocations that share a reduction, each with a run of ceil(reduced / runs). */
  readonly runs: number;
}

function runsOf(group: { outer: number; reduced: number; inner: number }, limits: DeviceLimits): Stage[] {
  const stages: Stage[] = [];
  let { reduced } = group;
  for (;;) {
    const results = group.outer * ceilDiv(group.inner, widthOf(group.inner, limits));
    const wanted = ceilDiv(INVOCATIONS[limits.deviceClass], results);
    const length =
      stages.length === 0 ? Math.min(LONGEST_RUN, Math.max(SHORTEST_RUN, ceilDiv(reduced, wanted))) : laterRun(reduced);
    const runs = ceilDiv(reduced, length);
    stages.push({ ...group, reduced, runs });
    if (runs === 1) return stages;
    reduced = runs;
  }
}

/** Partial results are few: one more run, or two of about equal length. */
const laterRun = (reduced: number): number =>
  reduced <= LONGEST_RUN ? reduced : Math.min(LONGEST_RUN, Math.ceil(Math.sqrt(reduced)));

/** Neighbouring results that one invocation computes: four on a software device, where they are four loads from one place. */
const widthOf = (inner: number, { deviceClass }: DeviceLimits): number => (deviceClass === "cpu" && inner >= 4 ? 4 : 1);

function reducePass(
  label: string,
  op: ReduceOp,
  stage: Stage & { scale: number; dtype: ActivationType },
  source: string,
  target: string,
  limits: DeviceLimits,
): KernelPass {
  const { outer, reduced, inner, runs, scale } = stage;
  const { wgsl, start } = COMBINE[op];
  const { read, load, enables } = storedArray(stage.dtype);
  const squared = op === "sumOfSquares" && source === "x";
  const size = flatWorkgroupSize(limits);
  const width = widthOf(inner, limits);
  const columns = ceilDiv(inner, width);
  // A software device reads a run from neighbouring addresses; on a GPU neighbouring invocations should, so runs interleave.
  const interleaved = limits.deviceClass === "gpu" && inner === 1;
  const lanes = Array.from({ length: width }, (_, k) => k);
  // Four accumulators where the run is contiguous: four additions in flight.
  const accumulators = width === 1 ? [0, 1, 2, 3] : lanes;
  const loop =
    width === 1
      ? `for (; r + 3u * step < last; r += 4u * step) {
${accumulators.map((k) => `    acc${k} = combine(acc${k}, load(base + (r + ${k}u * step) * params.inner));`).join("\n")}
  }
  for (; r < last; r += step) { acc0 = combine(acc0, load(base + r * params.inner)); }
  y[at] = combine(combine(acc0, acc1), combine(acc2, acc3)) * params.scale;`
      : `for (; r < last; r += step) {
    let start = base + r * params.inner;
${lanes.map((k) => `    acc${k} = combine(acc${k}, load(start + ${k}u));`).join("\n")}
  }
${lanes.map((k) => `  y[at + ${k}u] = acc${k} * params.scale;`).join("\n")}`;
  const pass = definePass({
    label,
    bindings: { x: read, y: F32_WRITE },
    enables,
    params: {
      count: { u32: outer * runs * columns },
      reduced: { u32: reduced },
      inner: { u32: inner },
      runs: { u32: runs },
      length: { u32: ceilDiv(reduced, runs) },
      columns: { u32: columns },
      scale: { f32: scale },
      infinity: { u32: INFINITY_BITS },
    },
    body: `${IS_NAN}
fn combine(a: f32, b: f32) -> f32 { return ${wgsl}; }
fn load(i: u32) -> f32 { ${squared ? `let v = ${load("x[i]")}; return v * v;` : `return ${load("x[i]")};`} }
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.y * nwg.x + wid.x) * ${size}u + lane;
  if (i >= params.count) { return; }
  // i = (outer, run, column); the last columns overlap rather than run over the end.
  let column = ${width === 1 ? "i % params.columns" : `min(i % params.columns * ${width}u, params.inner - ${width}u)`};
  let row = i / params.columns;
  let run = row % params.runs;
  let base = row / params.runs * params.reduced * params.inner + column;
  let at = row * params.inner + column;
  let step = ${interleaved ? "params.runs" : "1u"};
  var r = ${interleaved ? "run" : "run * params.length"};
  let last = ${interleaved ? "params.reduced" : "min(r + params.length, params.reduced)"};
${accumulators.map((k) => `  var acc${k} = ${start};`).join("\n")}
  ${loop}
}`,
    workgroups: foldWorkgroups(ceilDiv(outer * runs * columns, size), limits),
  });
  // The WGSL says x and y whatever the stage: a batch that needs fewer stages compiles nothing.
  return {
    ...pass,
    bindings: [
      { operand: source, access: "read" },
      { operand: target, access: "read_write" },
    ],
  };
}

/**
 * The index of the largest value of each row, the first where several are equal (as torch on the CPU). Operands `x`
 * [rows, columns] f32, `y` [rows] u32.
 */
export function planArgmax(
  { rows, columns }: { readonly rows: number; readonly columns: number },
  limits: DeviceLimits,
): KernelPlan {
  checkSizes("argmax", { rows, columns });
  const name = `argmax [${rows},${columns}]`;
  const operands = { x: rows * columns * 4, y: rows * 4 };
  checkBindingSizes(name, operands, limits);
  const size = flatWorkgroupSize(limits);
  const pass = definePass({
    label: name,
    bindings: { x: F32_READ, y: U32_WRITE },
    params: { rows: { u32: rows }, columns: { u32: columns } },
    body: `@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (wid.y * nwg.x + wid.x) * ${size}u + lane;
  if (row >= params.rows) { return; }
  var best = 0u;
  var largest = x[row * params.columns];
  for (var c = 1u; c < params.columns; c++) {
    let value = x[row * params.columns + c];
    if (value > largest) { largest = value; best = c; }
  }
  y[row] = best;
}`,
    workgroups: foldWorkgroups(ceilDiv(rows, size), limits),
  });
  return { name, operands, workspace: {}, flop: rows * columns, bytes: operands.x + operands.y, passes: [pass] };
}
