import { F32_READ, F32_WRITE } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, type KernelPass } from "../plan.ts";
import { storedArray } from "../stored.ts";
import type { BatchNormShape, BatchNormTrainGeometry } from "./geometry.ts";
import { columnType, columnWrite, tileMain, tileParams, tileWorkgroups, type Tile } from "./tile.ts";

/**
 * Mean, less the first row, and sum of squared deviations of each chunk: `partials` [chunks, 2, c]. An invocation sums x - s and (x - s)^2
 * where s is the first x that it sees: as s is one of the values summed, the deviations are at least (x - s)^2 / n, and
 * the subtraction loses at most a factor of n (<= 256), whatever the mean is. Means are kept less the first row, so that a large one
 * common to all chunks rounds nothing. On a GPU the rows of a workgroup's lanes
 * are merged as the chunks are, by `finalise`'s formula.
 */
export function momentsPass(
  label: string,
  { dtype = "f32" }: BatchNormShape,
  tile: Tile,
  limits: DeviceLimits,
): KernelPass {
  const x = storedArray(dtype, tile.width);
  const { columns, lanes, rowLanes } = tile;
  const T = columnType(tile);
  const write = `partials[chunk * ${2 * columns}u + column] = mean;
    partials[chunk * ${2 * columns}u + ${columns}u + column] = m2;`;
  const merge = `means[lane] = mean;
  m2s[lane] = m2;
  workgroupBarrier();
  if (lane < ${lanes}u${columns % lanes === 0 ? "" : " && owns"}) {
    let rows = end - chunk * params.chunkRows;
    // Lane l of the rows has every ${rowLanes}th of them, from the l-th on.
    var shifts = ${T}();
    for (var l = 1u; l < ${rowLanes}u; l++) {
      shifts += f32((rows + ${rowLanes - 1}u - l) / ${rowLanes}u) * (means[l * ${lanes}u + lane] - mean);
    }
    let origin = mean;
    mean += shifts / f32(rows);
    m2 += f32((rows + ${rowLanes - 1}u) / ${rowLanes}u) * (origin - mean) * (origin - mean);
    for (var l = 1u; l < ${rowLanes}u; l++) {
      let d = means[l * ${lanes}u + lane] - mean;
      m2 += m2s[l * ${lanes}u + lane] + f32((rows + ${rowLanes - 1}u - l) / ${rowLanes}u) * d * d;
    }
    ${write}
  }`;
  return definePass({
    label,
    bindings: { x: x.read, partials: columnWrite(tile) },
    params: tileParams(tile),
    enables: x.enables,
    body: tileMain(tile, {
      declarations:
        rowLanes === 1
          ? ""
          : `var<workgroup> means: array<${T}, ${lanes * rowLanes}>;\nvar<workgroup> m2s: array<${T}, ${lanes * rowLanes}>;`,
      before: `let shift = ${x.load(`x[first * ${columns}u + column]`)};
  var sum = ${T}();
  var squares = ${T}();
  let start = r;`,
      load: (at, k) => `let d${k} = ${x.load(`x[${at}]`)} - shift;`,
      use: (_, k) => `sum += d${k}; squares += d${k} * d${k};`,
      after: `let count = f32(max((max(end, start) - start + ${rowLanes - 1}u) / ${rowLanes}u, 1u));
  var mean = (shift - ${x.load("x[column]")}) + sum / count;
  var m2 = max(squares - sum * sum / count, ${T}());
  ${rowLanes === 1 ? write : merge}`,
      barriers: rowLanes > 1,
    }),
    workgroups: tileWorkgroups(tile, limits),
  });
}

/** Channels of a workgroup of the second stage, and invocations that share each channel's chunks. */
export const secondStage = ({ deviceClass }: DeviceLimits): { channels: number; sharing: number } =>
  deviceClass === "cpu" ? { channels: 16, sharing: 1 } : { channels: 8, sharing: 32 };

/**
 * Sums over the chunks of one channel: `value` sees chunk `i` and `channel`. Four accumulators an invocation, then a tree over
 * the invocations that share the channel, all of which get the result: `let NAME = foldNAME(channel, part, slot, ...)`.
 */
export function foldChunks(name: string, value: string, captured: string, limits: DeviceLimits): string {
  const { channels, sharing } = secondStage(limits);
  const tree =
    sharing === 1
      ? "return total;"
      : `shared_sums[part * ${channels}u + slot] = total;
  workgroupBarrier();
  for (var half = ${sharing / 2}u; half > 0u; half /= 2u) {
    if (part < half) { shared_sums[part * ${channels}u + slot] += shared_sums[(part + half) * ${channels}u + slot]; }
    workgroupBarrier();
  }
  let result = shared_sums[slot];
  workgroupBarrier();
  return result;`;
  return `fn value_${name}(i: u32, channel: u32${captured}) -> f32 { ${value} }
fn fold_${name}(channel: u32, part: u32, slot: u32${captured}) -> f32 {
  var sums = vec4f();
  var i = part;
  for (; i + ${3 * sharing}u < params.chunks; i += ${4 * sharing}u) {
    sums += vec4f(${[0, 1, 2, 3].map((k) => `value_${name}(i + ${k * sharing}u, channel${captured === "" ? "" : ", origin"})`).join(", ")});
  }
  for (; i < params.chunks; i += ${sharing}u) { sums.x += value_${name}(i, channel${captured === "" ? "" : ", origin"}); }
  let total = (sums.x + sums.y) + (sums.z + sums.w);
  ${tree}
}`;
}

/** The `main` of a second stage: `folds` runs in every invocation, `write` once a channel. */
export function secondStageMain(
  c: number,
  functions: string,
  folds: string,
  write: string,
  limits: DeviceLimits,
): string {
  const { channels, sharing } = secondStage(limits);
  return `${sharing === 1 ? "" : `var<workgroup> shared_sums: array<f32, ${channels * sharing}>;\n`}${functions}
@compute @workgroup_size(${channels * sharing}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let slot = lane % ${channels}u;
  let part = lane / ${channels}u;
  let wanted = wid.x * ${channels}u + slot;
  let channel = min(wanted, ${c - 1}u);
  ${folds}
  if (wanted < ${c}u && part == 0u) {
    ${write}
  }
}`;
}

export const secondStageWorkgroups = (c: number, limits: DeviceLimits): [number, number, number] => [
  ceilDiv(c, secondStage(limits).channels),
  1,
  1,
];

/**
 * Merges the chunks (Chan's formula for all of them at once): mean, then deviations; updates the running statistics. The
 * chunks' means are taken from the first row, or, where a product has left them, from zero.
 */
export function finalisePass(
  label: string,
  g: BatchNormTrainGeometry,
  tile: Pick<Tile, "rows" | "chunkRows" | "chunks">,
  limits: DeviceLimits,
  from: "first row" | "zero" = "first row",
): KernelPass {
  const { rows, c, eps, momentum, dtype = "f32" } = g;
  const x = storedArray(dtype);
  const functions = [
    "fn rowsOf(i: u32) -> f32 { return f32(min(params.chunkRows, params.rows - i * params.chunkRows)); }",
    foldChunks("shifts", `return rowsOf(i) * (partials[i * ${2 * c}u + channel] - origin);`, ", origin: f32", limits),
    foldChunks(
      "deviations",
      `let d = partials[i * ${2 * c}u + channel] - origin;
  return partials[i * ${2 * c}u + ${c}u + channel] + rowsOf(i) * d * d;`,
      ", origin: f32",
      limits,
    ),
  ].join("\n");
  return definePass({
    label,
    bindings: {
      ...(from === "zero" ? {} : { x: x.read }),
      partials: F32_READ,
      runningMean: F32_WRITE,
      runningVar: F32_WRITE,
      saveMean: F32_WRITE,
      saveInvStd: F32_WRITE,
    },
    params: {
      ...tileParams(tile),
      perRow: { f32: 1 / rows },
      // the batch variance is biased, the running one is not (as torch)
      perDegree: { f32: 1 / (rows - 1) },
      eps: { f32: eps },
      momentum: { f32: momentum },
      keep: { f32: 1 - momentum },
    },
    enables: from === "zero" ? [] : x.enables,
    body: secondStageMain(
      c,
      functions,
      `let first = partials[channel];
  let centre = first + fold_shifts(channel, part, slot, first) * params.perRow;
  let deviations = fold_deviations(channel, part, slot, centre);
  let mean = ${from === "zero" ? "" : `${x.load("x[channel]")} + `}centre;`,
      `saveMean[channel] = mean;
    saveInvStd[channel] = 1.0 / sqrt(deviations * params.perRow + params.eps);
    runningMean[channel] = params.keep * runningMean[channel] + params.momentum * mean;
    runningVar[channel] = params.keep * runningVar[channel] + params.momentum * (deviations * params.perDegree);`,
      limits,
    ),
    workgroups: secondStageWorkgroups(c, limits),
  });
}
