import type { DeviceLimits } from "../limits.ts";
import {
  ceilDiv,
  checkSizes,
  definePass,
  foldWorkgroups,
  type KernelPass,
  type KernelPlan,
  type Param,
} from "../plan.ts";
import { checkStored, storedArray, storedBytes, storedName, type ActivationType } from "../stored.ts";
import { elementsOf, type Shape } from "../elementwise/broadcast.ts";
import { checkBindingSizes, flatPass } from "../elementwise/flat.ts";
import { permutedDimensions, type PermutedDimension } from "./layout.ts";

export interface PermuteGeometry {
  readonly shape: Shape;
  /** The axis of x that becomes each axis of y: y's size i is `shape[order[i]]`, as in torch's permute. */
  readonly order: readonly number[];
  /** How the elements are stored. Default: "f32". */
  readonly dtype?: ActivationType;
}

/**
 * y = x with its axes in another order, contiguous. Operands `x`, `y`. What amounts to a batch of matrix
 * transpositions goes through workgroup memory on a GPU; the rest reads x by its strides. Throws GeometryError for an
 * order that is not a permutation.
 */
export function planPermute({ shape, order, dtype = "f32" }: PermuteGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes("permute", Object.fromEntries(shape.map((size, axis) => [`size ${axis}`, size])));
  const name = `permute${storedName(dtype)} [${shape.join(",")}] to ${order.join(",")}`;
  const dimensions = permutedDimensions("permute", shape, order);
  const bytes = storedBytes(dtype, elementsOf(shape));
  const operands = { x: bytes, y: bytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const pass =
    limits.deviceClass === "gpu" && isTransposition(dimensions)
      ? transposePass(name, dimensions, dtype, limits)
      : stridedPass(name, dimensions, dtype, limits);
  return { name, operands, workspace: {}, flop: 0, bytes: 2 * bytes, passes: [pass] };
}

/** [rows, columns] -> [columns, rows], once or for each of a batch. */
function isTransposition(dimensions: readonly PermutedDimension[]): boolean {
  const [columns, rows] = dimensions.slice(-2);
  return (
    (dimensions.length === 2 || (dimensions.length === 3 && dimensions[0]!.stride === rows!.size * columns!.size)) &&
    columns!.stride === 1
  );
}

function stridedPass(
  label: string,
  dimensions: readonly PermutedDimension[],
  dtype: ActivationType,
  limits: DeviceLimits,
): KernelPass {
  const { read, write, load, store, enables } = storedArray(dtype);
  const params: Record<string, Param> = {};
  dimensions.forEach(({ size, stride }, axis) => {
    if (axis > 0) params[`size${axis}`] = { u32: size };
    params[`stride${axis}`] = { u32: stride };
  });
  const last = dimensions.length - 1;
  const steps: string[] = [];
  for (let axis = last; axis > 0; axis--) {
    steps.push(`at += (rest % params.size${axis}) * params.stride${axis};`, `rest = rest / params.size${axis};`);
  }
  const quad =
    dimensions[last]!.divisor % 4 === 0
      ? { prepare: "let at = offset(i);", value: (k: number) => load(`x[at + ${k}u * params.stride${last}]`) }
      : null;
  return flatPass(
    {
      label,
      bindings: { x: read, y: write },
      params,
      enables,
      functions: `fn offset(i: u32) -> u32 {
  var rest = i;
  var at = 0u;
  ${steps.join("\n  ")}
  return at + rest * params.stride0;
}
fn value(i: u32) -> f32 { return ${load("x[offset(i)]")}; }`,
      output: "y",
      result: store,
      count: dimensions.reduce((product, { size }) => product * size, 1),
      quad,
    },
    limits,
  );
}

const TILE = 32;

function transposePass(
  label: string,
  dimensions: readonly PermutedDimension[],
  dtype: ActivationType,
  limits: DeviceLimits,
): KernelPass {
  const { read, write, load, store, enables } = storedArray(dtype);
  const [columns, rows] = dimensions.slice(-2).map(({ size }) => size) as [number, number];
  const matrices = dimensions.length === 3 ? dimensions[0]!.size : 1;
  const [tileRows, tileColumns] = [ceilDiv(rows, TILE), ceilDiv(columns, TILE)];
  return definePass({
    label,
    bindings: { x: read, y: write },
    params: {
      rows: { u32: rows },
      columns: { u32: columns },
      tileRows: { u32: tileRows },
      tileColumns: { u32: tileColumns },
      matrices: { u32: matrices },
    },
    enables,
    body: `// One column of padding: a column is read without bank conflicts.
var<workgroup> tile: array<array<f32, ${TILE + 1}>, ${TILE}>;
@compute @workgroup_size(${TILE}, 8) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let group = wid.y * nwg.x + wid.x;
  let column0 = group % params.tileColumns * ${TILE}u;
  let row0 = group / params.tileColumns % params.tileRows * ${TILE}u;
  let matrix = group / params.tileColumns / params.tileRows;
  if (matrix >= params.matrices) { return; }
  let base = matrix * params.rows * params.columns;
  for (var r = lid.y; r < ${TILE}u; r += 8u) {
    if (row0 + r < params.rows && column0 + lid.x < params.columns) {
      tile[r][lid.x] = ${load("x[base + (row0 + r) * params.columns + column0 + lid.x]")};
    }
  }
  workgroupBarrier();
  for (var c = lid.y; c < ${TILE}u; c += 8u) {
    if (column0 + c < params.columns && row0 + lid.x < params.rows) {
      y[base + (column0 + c) * params.rows + row0 + lid.x] = ${store("tile[lid.x][c]")};
    }
  }
}`,
    workgroups: foldWorkgroups(matrices * tileRows * tileColumns, limits),
  });
}
