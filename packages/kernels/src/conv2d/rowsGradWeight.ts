import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type PlanBody } from "../plan.ts";
import { columnsOfBlock, range, ROWS, VECTORS } from "../product/lanes.ts";
import type { FloatType } from "../product/gemm.ts";
import { leftSide, type LeftSide } from "../product/leftSide.ts";
import { sumSplitsPass } from "../product/sumSplits.ts";
import { describeConv2d, type Conv2dGeometry } from "./geometry.ts";
import { leftInput } from "./rows.ts";

/** Workgroups that keep a few cores busy, and pixels that are worth one. */
const ENOUGH_TILES = 16;
const LEAST_PIXELS = 256;
/** Pixels of a turn: a longer body would not fit the instruction cache. */
const PIXELS = 4;
/** WGSL: the indices of a split's first pixel. */
const FIRST_PIXEL = `  var j = first % params.outWidth;
  var row = first / params.outWidth;
  var i = row % params.outHeight;
  var image = row / params.outHeight;
`;
/** Pixels that are summed before they are added to the others. */
const SUM_PIXELS = 512;

/**
 * dw [K, R·S·C] = dyᵀ [K, N·P·Q] x gathered x [N·P·Q, R·S·C]. As `rowProductPass`, with the pixels as the inner dimension: dy
 * from uniform addresses, four filters at a time, x by the lanes, along its channels and taps. Few tiles are split over the
 * pixels and added in order.
 */
export function rowsGradWeight(g: Conv2dGeometry, dtype: FloatType, lanes: number, limits: DeviceLimits): PlanBody {
  const label = `conv2d.gradWeight ${describeConv2d(g)}`;
  const block = columnsOfBlock(lanes);
  const x = leftInput(label, g, dtype, lanes, limits);
  const columns = g.r * g.s * x.channels;
  const rowTiles = ceilDiv(g.k, ROWS);
  const blocks = ceilDiv(columns, block);
  const pixels = g.n * g.outH * g.outW;
  const split = rowTiles * blocks < ENOUGH_TILES; // by the filter alone: the batch must not change the WGSL
  const splits = split
    ? Math.max(1, Math.min(ceilDiv(ENOUGH_TILES, rowTiles * blocks), ceilDiv(pixels, LEAST_PIXELS)))
    : 1;
  const output = split ? "partial" : "dw";
  const dy = dtype === "f16" ? wideGradient(label, g, lanes, limits) : null;
  const gradient = dy ?? { array: "dy", channels: g.k };
  const whole = gradient.channels % 4 === 0; // else dy's filters are loaded one by one
  const [quads, vectors] = [range(ROWS / 4), range(VECTORS)];
  const count = g.k * g.r * g.s * g.c;

  const filters = (u: number, q: number): string =>
    whole
      ? `dy[left + ${u}u * params.filters + filter${q}]`
      : `vec4f(${range(4)
          .map((e) => `dy[left + ${u}u * params.filters + min(filter${q} + ${e}u, params.filters - 1u)]`)
          .join(", ")})`;
  // Where the next pixel of the output begins in x. Its indices move on to the next row and image, unless pixels follow each other.
  const linear = g.r * g.s * g.strideH * g.strideW === 1 && x.width === g.outW && x.height === g.outH;
  const nextPixel = (u: number): string =>
    linear
      ? `      let at${u} = (pixel + ${u}u) * params.step;`
      : `      let at${u} = image * params.pitchImage + i * params.strideDown + j * params.step;
      j++;
      i += select(0u, 1u, j == params.outWidth);
      j = select(j, 0u, j == params.outWidth);
      image += select(0u, 1u, i == params.outHeight);
      i = select(i, 0u, i == params.outHeight);`;
  const turn = (pixels: number): string => `${range(pixels)
    .map((u) => `${nextPixel(u)}\n${vectors.map((v) => `      let b${u}_${v} = x[at${u} + place${v}];`).join("\n")}`)
    .join("\n")}
${quads
  .map(
    (q) => `${range(pixels)
      .map((u) => `      let a${q}_${u} = ${filters(u, q)};`)
      .join("\n")}
${range(4)
  .map((e) =>
    range(pixels)
      .map((u) =>
        vectors
          .map((v) => `      acc${q * 4 + e}_${v} = fma(a${q}_${u}[${e}], b${u}_${v}, acc${q * 4 + e}_${v});`)
          .join(""),
      )
      .join("\n"),
  )
  .join("\n")}`,
  )
  .join("\n")}
      left += ${pixels}u * params.filters;`;

  const pass = definePass({
    label,
    bindings: {
      x: { operand: x.array, type: "array<f32>", access: "read" },
      dy: { operand: gradient.array, type: whole ? "array<vec4f>" : "array<f32>", access: "read" },
      sums: { operand: output, type: "array<f32>", access: "read_write" },
    },
    params: {
      // in elements of dy: filters of a pixel
      filters: { u32: whole ? gradient.channels / 4 : g.k },
      rows: { u32: g.k },
      columns: { u32: columns },
      count: { u32: count },
      rowTiles: { u32: rowTiles },
      blocks: { u32: blocks },
      splits: { u32: splits },
      chunk: { u32: ceilDiv(pixels, splits) },
      pixels: { u32: pixels },
      outHeight: { u32: g.outH },
      outWidth: { u32: g.outW },
      padded: { u32: x.channels },
      channels: { u32: g.c },
      taps: { u32: g.s },
      perFilter: { u32: g.r * g.s * g.c },
      pitchImage: { u32: x.height * x.width * x.channels },
      pitchDown: { u32: x.width * x.channels },
      strideDown: { u32: g.strideH * x.width * x.channels },
      step: { u32: g.strideW * x.channels },
    },
    body: `@compute @workgroup_size(${lanes}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.rowTiles * params.blocks * params.splits) { return; }
  let row0 = group % params.rowTiles * ${ROWS}u;
  let column = group / params.rowTiles % params.blocks * ${block}u + lane;
  let split = group / (params.rowTiles * params.blocks);
  let first = split * params.chunk;
  let end = min(params.pixels, first + params.chunk);
${vectors
  .map(
    (v) => `  let column${v} = min(column + ${v * lanes}u, params.columns - 1u);
  let tap${v} = column${v} / params.padded;
  let channel${v} = column${v} % params.padded;
  let place${v} = tap${v} / params.taps * params.pitchDown + tap${v} % params.taps * params.padded + channel${v};`,
  )
  .join("\n")}
${quads.map((q) => `  let filter${q} = min(${whole ? `row0 / 4u + ${q}u` : `row0 + ${q * 4}u`}, params.filters - 1u);`).join("\n")}
${range(ROWS)
  .map((r) => vectors.map((v) => `  var sum${r}_${v} = 0.0;`).join(""))
  .join("\n")}
${linear ? "" : FIRST_PIXEL}  var left = first * params.filters;
  // Long sums in two levels: a single one would lose digits.
  for (var start = first; start < end; start += ${SUM_PIXELS}u) {
${range(ROWS)
  .map((r) => vectors.map((v) => `  var acc${r}_${v} = 0.0;`).join(""))
  .join("\n")}
  let stop = min(end, start + ${SUM_PIXELS}u);
  var pixel = start;
  for (; pixel + ${PIXELS - 1}u < stop; pixel += ${PIXELS}u) {
${turn(PIXELS)}
  }
  for (; pixel < stop; pixel++) {
${turn(1)}
  }
${range(ROWS)
  .map((r) => vectors.map((v) => `  sum${r}_${v} += acc${r}_${v};`).join(""))
  .join("\n")}
  }
  let base = split * params.count;
${vectors
  .map(
    (v) => `  if (column + ${v * lanes}u < params.columns && channel${v} < params.channels) {
    let to${v} = base + tap${v} * params.channels + channel${v};
${range(ROWS)
  .map(
    (r) => `    if (row0 + ${r}u < params.rows) { sums[to${v} + (row0 + ${r}u) * params.perFilter] = sum${r}_${v}; }`,
  )
  .join("\n")}
  }`,
  )
  .join("\n")}
}`,
    workgroups: foldWorkgroups(rowTiles * blocks * splits, limits),
  });
  return {
    passes: [
      ...(x.pass ? [x.pass] : []),
      ...(dy?.pass ? [dy.pass] : []),
      pass,
      ...(split ? [sumSplitsPass(`${label} sum`, "dw", count, splits, limits)] : []),
    ],
    workspace: {
      ...(x.pass ? { laidOut: x.length * 4 } : {}),
      ...(dy ? { [dy.array]: dy.length * 4 } : {}),
      ...(split ? { partial: count * splits * 4 } : {}),
    },
  };
}

/** dy in f32, its filters padded to whole vec4s. */
function wideGradient(label: string, g: Conv2dGeometry, lanes: number, limits: DeviceLimits): LeftSide {
  const pitch = { image: g.outH * g.outW * g.k, down: g.outW * g.k, across: g.k, channel: 1 };
  const padding = { top: 0, bottom: 0, left: 0, right: 0 };
  const shape = { images: g.n, height: g.outH, width: g.outW, channels: g.k, pitch, padding };
  return leftSide({ label: `${label} widen`, source: "dy", dtype: "f16", to: "wideGradient", ...shape }, lanes, limits);
}
