import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";
import { storedArray } from "../stored.ts";
import { masked, statistics, type Gradient } from "./gradientPasses.ts";
import { columnRead, columnType, columnWrite, tileOf, tileParams, walkRows, type Tile } from "./tile.ts";

/** Invocations of a workgroup: the lanes of a software device's vectors. */
const LANES = 8;

/** Storage buffers that the pass binds at the most. */
const BINDINGS = 11;

/**
 * True where the backward pass in training is one dispatch: on a software device, whose workgroups are few and long anyway,
 * so that one of them may own all rows of its columns and needs no second stage to merge what others have summed.
 */
export const isWhole = ({ deviceClass, maxStorageBuffersPerStage }: DeviceLimits): boolean =>
  deviceClass === "cpu" && maxStorageBuffersPerStage >= BINDINGS;

/**
 * The sums, the parameters' gradients and dx of the training mode in one pass. The sums have the same terms in the same order as
 * in the three passes that it stands for: over chunks of rows, then over the chunks, in four interleaved sums.
 */
export function wholeGradientPass(label: string, gradient: Gradient, limits: DeviceLimits): KernelPass {
  const reduce = tileOf("reduce", gradient, limits);
  const { columns } = reduce;
  const tile: Tile = { ...reduce, lanes: LANES, rowLanes: 1, columnTiles: ceilDiv(columns, LANES) };
  const { mask, residual } = gradient;
  const T = columnType(tile);
  const read = columnRead(tile);
  const rows = storedArray(gradient.dtype, tile.width);
  const { bindings, wgsl } = statistics(gradient, tile);
  const four = [0, 1, 2, 3];
  const sums = walkRows(tile, {
    load: (at, k) =>
      `let d${k} = ${rows.load(`x[${at}]`)} - mean; let dy${k} = ${rows.load(`dy[${at}]`)};${mask === "y" ? ` let y${k} = ${rows.load(`y[${at}]`)};` : ""}`,
    use: (at, k) =>
      `${masked(gradient, T, k)} sum += g${k}; product += g${k} * d${k};${residual ? ` dresidual[${at}] = ${rows.store(`g${k}`)};` : ""}`,
  });
  const source = mask === "y" ? "dresidual" : "dy";
  const apply = walkRows(tile, {
    load: (at, k) => `let d${k} = ${rows.load(`x[${at}]`)} - mean; let dy${k} = ${rows.load(`${source}[${at}]`)};`,
    use: (at, k) =>
      `${masked({ ...gradient, mask: mask === "x" ? "x" : "none" }, T, k)} dx[${at}] = ${rows.store(`a * g${k} + slope * d${k} + constant`)};`,
  });
  return definePass({
    label,
    bindings: {
      x: rows.read,
      dy: rows.read,
      ...bindings,
      ...(mask === "x" ? {} : { gamma: read, saveInvStd: read }),
      ...(mask === "y" ? { y: rows.read } : {}),
      ...(residual ? { dresidual: rows.write } : {}),
      dx: rows.write,
      dgamma: columnWrite(tile),
      dbeta: columnWrite(tile),
    },
    params: { ...tileParams(tile), perRow: { f32: 1 / gradient.rows } },
    enables: rows.enables,
    body: `@compute @workgroup_size(${LANES}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = (wid.y * nwg.x + wid.x) * ${LANES}u + lane;
  if (column >= ${columns}u) { return; }
  ${wgsl}
${four.map((k) => `  var sum${k} = ${T}();\n  var product${k} = ${T}();`).join("\n")}
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
  var r = chunk * params.chunkRows;
  let end = min(r + params.chunkRows, params.rows);
  var sum = ${T}();
  var product = ${T}();
${sums}
  // Chunks past the last whole four are added to the first of the sums.
  let slot = select(0u, chunk % 4u, chunk < params.chunks / 4u * 4u);
${four.map((k) => `  sum${k} += select(${T}(), sum, slot == ${k}u);\n  product${k} += select(${T}(), product, slot == ${k}u);`).join("\n")}
  }
  let invStd = saveInvStd[column];
  let total = (sum0 + sum1) + (sum2 + sum3);
  let scaled = ((product0 + product1) + (product2 + product3)) * invStd;
  dbeta[column] = total;
  dgamma[column] = scaled;
  let a = gamma[column] * invStd;
  let slope = -a * invStd * scaled * params.perRow;
  let constant = -a * total * params.perRow;
  var r = 0u;
  let end = params.rows;
${apply}
}`,
    workgroups: foldWorkgroups(tile.columnTiles, limits),
  });
}
