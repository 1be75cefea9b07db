import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";
import { storedArray } from "../stored.ts";
import type { BatchNormTrainGeometry, Surround } from "./geometry.ts";
import { columnRead, columnType, columnWrite, tileOf, walkRows, type Tile } from "./tile.ts";

/** Invocations of a workgroup: the lanes of a software device's vectors. */
const LANES = 8;
/** Workgroups that share the rows of a column; each merges the partial sums anew, so that they are few. */
const MOST_PARTS = 4;
const LEAST_ROWS = 256;
/** Chunks that are added up before they are added to the others: long sums in two levels. */
const BLOCK = 64;

/** What a product has left of x, and how y is to lie. */
export interface AfterProduct {
  readonly partialRows: number;
  readonly surround?: Surround;
}

/** Rows of y, those of zeros included. */
export const surroundedRows = (rows: number, { height, width, down, across }: Surround): number =>
  (rows / (height * width)) * (height + 2 * down) * (width + 2 * across);

/**
 * A software device's second half of batch norm in training, in one dispatch: merges the chunks that a product has left
 * (Chan's formula for all of them at once: mean, then deviations), normalises, and updates the running statistics.
 */
export function mergedApplyPass(
  label: string,
  g: BatchNormTrainGeometry,
  { partialRows, surround }: AfterProduct,
  limits: DeviceLimits,
): KernelPass {
  const { rows, eps, momentum, relu = false, residual = false, dtype = "f32" } = g;
  const cut = tileOf("map", g, limits);
  const { columns } = cut;
  const tile: Tile = { ...cut, lanes: LANES, rowLanes: 1, columnTiles: ceilDiv(columns, LANES) };
  const parts = Math.min(MOST_PARTS, ceilDiv(rows, LEAST_ROWS));
  // What the parts are parts of: rows, or lines of pixels with those of zeros.
  const lines = surround ? surroundedRows(rows, surround) / (surround.width + 2 * surround.across) : rows;
  const x = storedArray(dtype, tile.width);
  const read = columnRead(tile);
  const T = columnType(tile);
  const fold = (name: string, value: string): string => `  var ${name} = ${T}();
  for (var block = 0u; block < params.chunks; block += ${BLOCK}u) {
    var sum = ${T}();
    for (var i = block; i < min(block + ${BLOCK}u, params.chunks); i++) {
      let count = f32(min(params.chunkRows, params.rows - i * params.chunkRows));
      ${value}
    }
    ${name} += sum;
  }`;
  const apply = walkRows(tile, {
    load: (at, k) =>
      `let v${k} = ${x.load(`x[${at}]`)};${residual ? ` let r${k} = ${x.load(`residual[${at}]`)};` : ""}`,
    use: (at, k) => {
      const value = `(v${k} - mean) * scale + shift${residual ? ` + r${k}` : ""}`;
      const to = surround ? `${at} + away` : at;
      // a select, not a max: NaN goes through, as torch's relu lets it
      return relu
        ? `let z${k} = ${value}; y[${to}] = ${x.store(`select(z${k}, ${T}(), z${k} < ${T}())`)};`
        : `y[${to}] = ${x.store(value)};`;
    },
  });
  return definePass({
    label,
    bindings: {
      x: x.read,
      ...(residual ? { residual: x.read } : {}),
      partials: read,
      gamma: read,
      beta: read,
      runningMean: columnWrite(tile),
      runningVar: columnWrite(tile),
      saveMean: columnWrite(tile),
      saveInvStd: columnWrite(tile),
      y: x.write,
    },
    params: {
      rows: { u32: rows },
      chunkRows: { u32: partialRows },
      chunks: { u32: ceilDiv(rows, partialRows) },
      parts: { u32: parts },
      partRows: { u32: ceilDiv(lines, parts) },
      ...(surround
        ? {
            lines: { u32: lines },
            height: { u32: surround.height },
            width: { u32: surround.width },
            down: { u32: surround.down },
            across: { u32: surround.across },
          }
        : {}),
      perRow: { f32: 1 / rows },
      // the batch variance is biased, the running one is not (as torch)
      perDegree: { f32: 1 / (rows - 1) },
      eps: { f32: eps },
      momentum: { f32: momentum },
      keep: { f32: 1 - momentum },
    },
    enables: x.enables,
    body: `@compute @workgroup_size(${LANES}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  let part = group / ${tile.columnTiles}u;
  let column = group % ${tile.columnTiles}u * ${LANES}u + lane;
  if (part >= params.parts || column >= ${columns}u) { return; }
  let first = partials[column];
${fold("shifts", `sum += count * (partials[i * ${2 * columns}u + column] - first);`)}
  let mean = first + shifts * params.perRow;
${fold(
  "deviations",
  `let d = partials[i * ${2 * columns}u + column] - mean;
      sum += partials[i * ${2 * columns}u + ${columns}u + column] + count * d * d;`,
)}
  let invStd = ${T}(1.0) / sqrt(deviations * params.perRow + ${T}(params.eps));
  if (part == 0u) {
    saveMean[column] = mean;
    saveInvStd[column] = invStd;
    runningMean[column] = params.keep * runningMean[column] + params.momentum * mean;
    runningVar[column] = params.keep * runningVar[column] + params.momentum * (deviations * params.perDegree);
  }
  let scale = invStd * gamma[column];
  let shift = beta[column];
${surround ? walkLines(columns, T, apply) : `  var r = part * params.partRows;\n  let end = min(r + params.partRows, params.rows);\n${apply}`}
}`,
    workgroups: foldWorkgroups(tile.columnTiles * parts, limits),
  });
}

/** WGSL: a part's lines of pixels, with zeros before, after, above and below them; `away` is what y's index is past x's. */
const walkLines = (
  columns: number,
  T: string,
  apply: string,
): string => `  let across = params.width + 2u * params.across;
  let lastLine = min((part + 1u) * params.partRows, params.lines);
  for (var line = part * params.partRows; line < lastLine; line++) {
    let image = line / (params.height + 2u * params.down);
    let i = line % (params.height + 2u * params.down) - params.down; // wraps around above the image, past every height
    let inside = i < params.height;
    let start = line * across * ${columns}u + column;
    for (var j = 0u; j < select(across, params.across, inside); j++) { y[start + j * ${columns}u] = ${T}(); }
    if (!inside) { continue; }
    var r = (image * params.height + i) * params.width;
    let end = r + params.width;
    let away = (line * across + params.across - r) * ${columns}u;
${apply}
    for (var j = params.across + params.width; j < across; j++) { y[start + j * ${columns}u] = ${T}(); }
  }`;
