import type { DeviceLimits } from "../limits.ts";
import { sumSplitsPass } from "../matmul/tiled.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";
import { gridParams } from "../matmul/broadcast.ts";
import { describeConv2d, type Conv2dGeometry } from "./geometry.ts";

/** Filters and columns (filter row, filter column, channel) of a workgroup's tile. */
const ROWS = 32;
const COLUMNS = 32;
/** Workgroups that keep a few cores busy, and pixels that are worth one. */
const ENOUGH_TILES = 16;
const LEAST_PIXELS = 256;

/**
 * dw [K, R·S·C] = dyᵀ [K, N·P·Q] x gathered x [N·P·Q, R·S·C]: as `broadcastProductPass`, with the pixels as k. dy is gathered
 * along the pixels and broadcast; x is loaded along its channels. Few tiles are split over the pixels and added in order.
 */
export function broadcastGradWeight(
  g: Conv2dGeometry,
  lanes: number,
  limits: DeviceLimits,
): { passes: KernelPass[]; workspace: Record<string, number> } {
  const label = `conv2d.gradWeight ${describeConv2d(g)}`;
  const columns = g.r * g.s * g.c;
  const pixels = g.n * g.outH * g.outW;
  const pointwise = g.r === 1 && g.s === 1 && g.padH === 0 && g.padW === 0;
  const rowTiles = ceilDiv(g.k, ROWS);
  const blocks = ceilDiv(columns, COLUMNS);
  const split = rowTiles * blocks < ENOUGH_TILES; // by the filter alone: the batch must not change the WGSL
  const splits = split
    ? Math.max(1, Math.min(ceilDiv(ENOUGH_TILES, rowTiles * blocks), ceilDiv(pixels, LEAST_PIXELS)))
    : 1;
  const output = split ? "partial" : "dw";
  const vectors = Array.from({ length: COLUMNS / lanes }, (_, c) => c);
  const rows = Array.from({ length: ROWS }, (_, r) => r);
  const steps = Array.from({ length: lanes }, (_, u) => u);
  const load = (c: number) =>
    pointwise
      ? `x[u32(at + place${c})]`
      : `select(0.0, x[select(0u, u32(at + place${c}), u32(h + down${c}) < params.height && u32(w + across${c}) < params.width)], u32(h + down${c}) < params.height && u32(w + across${c}) < params.width)`;
  const pass = definePass({
    label,
    enables: ["enable subgroups;"],
    bindings: {
      x: { type: "array<f32>", access: "read" },
      dy: { type: "array<f32>", access: "read" },
      [output]: { type: "array<f32>", access: "read_write" },
    },
    params: {
      filters: { u32: g.k },
      columns: { u32: columns },
      pixels: { u32: pixels },
      chunk: { u32: ceilDiv(ceilDiv(pixels, splits), lanes) * lanes },
      rowTiles: { u32: rowTiles },
      blocks: { u32: blocks },
      splits: { u32: splits },
      channels: { u32: g.c },
      taps: { u32: g.s },
      height: { u32: g.h },
      width: { u32: g.w },
      ...gridParams("x", {
        down: g.outH,
        across: g.outW,
        firstDown: -g.padH,
        strideDown: g.strideH,
        firstAcross: -g.padW,
        strideAcross: g.strideW,
        pitch: { image: g.h * g.w * g.c, down: g.w * g.c, across: g.c },
      }),
    },
    body: `@compute @workgroup_size(${lanes}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.rowTiles * params.blocks * params.splits) { return; }
  let row0 = group % params.rowTiles * ${ROWS}u;
  let column = group / params.rowTiles % params.blocks * ${COLUMNS}u + lane;
  let split = group / (params.rowTiles * params.blocks);
  let end = min(params.pixels, (split + 1u) * params.chunk);
${vectors
  .map((c) => {
    const offset = `  let k${c} = min(column + ${c * lanes}u, params.columns - 1u);\n`;
    if (pointwise) return `${offset}  let place${c} = i32(k${c});`;
    return `${offset}  let down${c} = i32(k${c} / (params.channels * params.taps));
  let across${c} = i32(k${c} / params.channels % params.taps);
  let place${c} = down${c} * params.x_pitchDown + across${c} * params.x_pitchAcross + i32(k${c} % params.channels);`;
  })
  .join("\n")}
${rows.map((r) => `  let filter${r} = min(row0 + ${r}u, params.filters - 1u);`).join("\n")}
${rows.map((r) => vectors.map((c) => `  var acc${r}_${c} = 0.0;`).join("")).join("\n")}
  let first = split * params.chunk;
  var j = i32(first) % params.x_across;
  var i = i32(first) / params.x_across;
  var image = i / params.x_down;
  i = i % params.x_down;
  for (var pixel = first; pixel < end; pixel += ${lanes}u) {
${steps
  .map(
    (u) => `${vectors.map((c) => `    var b${u}_${c}: f32;`).join("")}
    {
      let h = i * params.x_strideDown + params.x_firstDown;
      let w = j * params.x_strideAcross + params.x_firstAcross;
      let at = image * params.x_pitchImage + h * params.x_pitchDown + w * params.x_pitchAcross;
${vectors.map((c) => `      b${u}_${c} = ${load(c)};`).join("\n")}
      j += select(0, 1, pixel + ${u + 1}u < params.pixels); // the last pixel repeats
      i += select(0, 1, j == params.x_across);
      j = select(j, 0, j == params.x_across);
      image += select(0, 1, i == params.x_down);
      i = select(i, 0, i == params.x_down);
    }`,
  )
  .join("\n")}
    let inside = pixel + lane < end;
    let left = min(pixel + lane, params.pixels - 1u) * params.filters;
${rows
  .map(
    (r) => `    {
      let v = select(0.0, dy[left + filter${r}], inside);
${steps.map((u) => `      { let s = subgroupBroadcast(v, ${u}u);${vectors.map((c) => ` acc${r}_${c} += s * b${u}_${c};`).join("")} }`).join("\n")}
    }`,
  )
  .join("\n")}
  }
  let base = split * params.filters * params.columns;
${vectors
  .map(
    (c) => `  if (column + ${c * lanes}u < params.columns) {
${rows.map((r) => `    if (row0 + ${r}u < params.filters) { ${output}[base + (row0 + ${r}u) * params.columns + column + ${c * lanes}u] = acc${r}_${c}; }`).join("\n")}
  }`,
  )
  .join("\n")}
}`,
    workgroups: foldWorkgroups(rowTiles * blocks * splits, limits),
  });
  if (!split) return { passes: [pass], workspace: {} };
  const count = g.k * columns;
  return {
    passes: [pass, sumSplitsPass(`${label} sum`, "dw", count, splits, limits)],
    workspace: { partial: count * splits * 4 },
  };
}
