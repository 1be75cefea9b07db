import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass, type Param } from "../plan.ts";

// The products on a software device (Mesa's lavapipe), where an invocation is a SIMD lane of a CPU core. What its compiler
// makes of WGSL decides the shape of these kernels; docs/performance.md has the measurements:
// - a load from an address that differs between lanes is a gather, one that doesn't costs seven instructions of bounds
//   checks, and `subgroupBroadcast` of a constant lane is one shuffle. So 8 values along k are gathered at once, and
//   broadcast one after the other;
// - a loop keeps its variables under an execution mask, a blend and a store each per turn. So a turn is long: a whole
//   subgroup's width of k for a tile of 16 x 64 outputs;
// - the tile's accumulators live on the stack, a row of them in registers at a time.

/** Rows and columns of outputs of a workgroup, which is one subgroup. */
const ROWS = 16;
export const COLUMNS = 64;

/** The subgroup's size where these kernels can run: one fixed size, as software devices have; else null. */
export function broadcastLanes({ deviceClass, subgroups }: DeviceLimits): number | null {
  if (deviceClass !== "cpu" || !subgroups || subgroups.min !== subgroups.max) return null;
  return subgroups.min === 8 || subgroups.min === 16 ? subgroups.min : null;
}

/** The right side as `packPass` writes it, for a k of this length: elements. */
export const packedLength = (columns: number, k: number, lanes: number): number =>
  ceilDiv(columns, COLUMNS) * COLUMNS * paddedDepth(k, lanes);

const paddedDepth = (k: number, lanes: number): number => ceilDiv(k, lanes) * lanes;

/** Taps of a filter that a product sums over, in an order of its own: k = (tap row, tap column, channel), channels fastest. */
export interface PackTaps {
  readonly channels: number;
  readonly down: number;
  readonly across: number;
  /** Where tap (i, j) lies in the filter: (first + i * step), rows and columns. */
  readonly firstDown: number;
  readonly stepDown: number;
  readonly firstAcross: number;
  readonly stepAcross: number;
}

export interface Pack {
  readonly label: string;
  readonly source: string;
  readonly columns: number;
  readonly taps: PackTaps;
  /** Elements from one column, tap row, tap column, channel to the next in the source. */
  readonly pitch: { readonly column: number; readonly down: number; readonly across: number; readonly channel: number };
  /** The first element of `packed` to be written. */
  readonly offset: number;
}

/** Rows of k that an invocation packs. */
const PACK_DEPTH = 8;

/**
 * packed[block][k][64 columns] = the source, zeros past its edges: the lanes' loads of the product are then neighbours, and
 * one block is read front to back.
 */
export function packPass(pack: Pack, lanes: number, limits: DeviceLimits): KernelPass {
  const { taps, pitch } = pack;
  const k = taps.down * taps.across * taps.channels;
  const depth = paddedDepth(k, lanes);
  const groups = ceilDiv(depth, PACK_DEPTH);
  const blocks = ceilDiv(pack.columns, COLUMNS);
  const each = Array.from({ length: PACK_DEPTH }, (_, u) => u);
  return definePass({
    label: pack.label,
    bindings: {
      [pack.source]: { type: "array<f32>", access: "read" },
      packed: { type: "array<f32>", access: "read_write" },
    },
    params: {
      columns: { u32: pack.columns },
      k: { u32: k },
      depth: { u32: depth },
      groups: { u32: groups },
      blocks: { u32: blocks },
      offset: { u32: pack.offset },
      channels: { u32: taps.channels },
      across: { u32: taps.across },
      first: { u32: taps.firstDown * pitch.down + taps.firstAcross * pitch.across },
      pitchDown: { u32: taps.stepDown * pitch.down },
      pitchAcross: { u32: taps.stepAcross * pitch.across },
      pitchChannel: { u32: pitch.channel },
      pitchColumn: { u32: pitch.column },
    },
    body: `fn element(k: u32, column: u32) -> f32 {
  let kk = min(k, params.k - 1u);
  let tap = kk / params.channels;
  let at = params.first + tap / params.across * params.pitchDown + tap % params.across * params.pitchAcross + kk % params.channels * params.pitchChannel;
  return select(0.0, ${pack.source}[at + min(column, params.columns - 1u) * params.pitchColumn], k < params.k && column < params.columns);
}
@compute @workgroup_size(${COLUMNS}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.groups * params.blocks) { return; }
  let block = group / params.groups;
  let k = group % params.groups * ${PACK_DEPTH}u;
  let column = block * ${COLUMNS}u + lane;
${each.map((u) => `  let v${u} = element(k + ${u}u, column);`).join("\n")}
  let at = params.offset + (block * params.depth + k) * ${COLUMNS}u + lane;
${each.map((u) => `  ${u >= 8 || u >= lanes ? `if (k + ${u}u < params.depth) { packed[at + ${u * COLUMNS}u] = v${u}; }` : `packed[at + ${u * COLUMNS}u] = v${u};`}`).join("\n")}
}`,
    workgroups: foldWorkgroups(Math.max(1, groups * blocks), limits),
  });
}

/** A grid of pixels with an address each: pixel (i, j) of image n stands for (i * strideDown + firstDown, ...) of an image. */
export interface PixelGrid {
  readonly down: number;
  readonly across: number;
  readonly firstDown: number;
  readonly strideDown: number;
  readonly firstAcross: number;
  readonly strideAcross: number;
  /** Elements from one image, row, pixel to the next. */
  readonly pitch: { readonly image: number; readonly down: number; readonly across: number };
}

/** Taps around a pixel: k = (tap row, tap column, channel) is at (row + sign * tap row, ...), zero outside of `height` x `width`. */
export interface Taps {
  readonly channels: number;
  readonly across: number;
  readonly sign: 1 | -1;
  readonly height: number;
  readonly width: number;
}

export interface BroadcastProduct {
  readonly label: string;
  /** Rows, columns and depth of the product [m, k] x [k, n]. All of it is data. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** The left side's array, and where its rows are; (row, k) is at the row's place + k * pitchK, unless taps say where. */
  readonly a: string;
  readonly rows: PixelGrid;
  readonly pitchK: number;
  readonly taps: Taps | null;
  /** The first element of `packed`. */
  readonly offset: number;
  /** The result's array, and where its rows are; columns are neighbours. */
  readonly y: string;
  readonly out: PixelGrid;
  readonly bias: boolean;
}

/** The longest k whose taps the kernel tells apart. */
export const MOST_DEPTH = 2 ** 20;

const GRID_FIELDS = "down across firstDown strideDown firstAcross strideAcross pitchImage pitchDown pitchAcross";

/** The WGSL of a place in a grid, and its params under a prefix. */
export function gridParams(prefix: string, { pitch, ...grid }: PixelGrid): Record<string, Param> {
  const values: Record<string, number> = {
    ...grid,
    pitchImage: pitch.image,
    pitchDown: pitch.down,
    pitchAcross: pitch.across,
  };
  return Object.fromEntries(GRID_FIELDS.split(" ").map((field) => [`${prefix}_${field}`, { i32: values[field]! }]));
}

/**
 * y = A x packed (+ bias), a tile of 16 x 64 outputs a workgroup of one subgroup. One WGSL for every matrix product and every
 * 1x1 convolution, one for all other convolutions and their input gradients.
 */
export function broadcastProductPass(product: BroadcastProduct, lanes: number, limits: DeviceLimits): KernelPass {
  const { a, y, bias, taps } = product;
  const rowTiles = ceilDiv(product.m, ROWS);
  const blocks = ceilDiv(product.n, COLUMNS);
  const vectors = Array.from({ length: COLUMNS / lanes }, (_, c) => c);
  const rows = Array.from({ length: ROWS }, (_, r) => r);
  const steps = Array.from({ length: lanes }, (_, u) => u);
  const load = (r: number) =>
    taps
      ? `let ok = inside && u32(h${r} + tapDown) < params.height && u32(w${r} + tapAcross) < params.width;
      let v = select(0.0, ${a}[select(0u, u32(at${r} + tapAt), ok)], ok);`
      : `let v = select(0.0, ${a}[u32(at${r} + kAt)], inside);`;
  return definePass({
    label: product.label,
    enables: ["enable subgroups;"],
    bindings: {
      [a]: { type: "array<f32>", access: "read" },
      packed: { type: "array<f32>", access: "read" },
      ...(bias ? { bias: { type: "array<f32>", access: "read" } } : {}),
      [y]: { type: "array<f32>", access: "read_write" },
    },
    params: {
      m: { u32: product.m },
      n: { u32: product.n },
      k: { u32: product.k },
      depth: { u32: paddedDepth(product.k, lanes) },
      rowTiles: { u32: rowTiles },
      blocks: { u32: blocks },
      offset: { u32: product.offset },
      pitchK: { u32: product.pitchK },
      ...gridParams("a", product.rows),
      ...gridParams("y", product.out),
      ...(taps
        ? {
            channels: { u32: taps.channels },
            perChannel: { f32: 1 / taps.channels },
            across: { u32: taps.across },
            perAcross: { f32: 1 / taps.across },
            sign: { i32: taps.sign },
            height: { u32: taps.height },
            width: { u32: taps.width },
          }
        : {}),
    },
    body: `@compute @workgroup_size(${lanes}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.rowTiles * params.blocks) { return; }
  let row0 = group % params.rowTiles * ${ROWS}u;
  let block = group / params.rowTiles;
  let column = block * ${COLUMNS}u + lane;
  let right = params.offset + block * params.depth * ${COLUMNS}u + lane;
  // The rows' places: one division, then a step at a time; rows past the last repeat it.
  var j = i32(row0) % params.a_across;
  var i = i32(row0) / params.a_across;
  var image = i / params.a_down;
  i = i % params.a_down;
${rows
  .map(
    (r) => `  let h${r} = i * params.a_strideDown + params.a_firstDown;
  let w${r} = j * params.a_strideAcross + params.a_firstAcross;
  let at${r} = image * params.a_pitchImage + h${r} * params.a_pitchDown + w${r} * params.a_pitchAcross;
  let out${r} = image * params.y_pitchImage + (i * params.y_strideDown + params.y_firstDown) * params.y_pitchDown + (j * params.y_strideAcross + params.y_firstAcross) * params.y_pitchAcross;
${
  r < ROWS - 1
    ? `  j += select(0, 1, row0 + ${r + 1}u < params.m);
  i += select(0, 1, j == params.a_across);
  j = select(j, 0, j == params.a_across);
  image += select(0, 1, i == params.a_down);
  i = select(i, 0, i == params.a_down);`
    : ""
}`,
  )
  .join("\n")}
${rows.map((r) => vectors.map((c) => `  var acc${r}_${c} = 0.0;`).join("")).join("\n")}
  for (var k = 0u; k < params.depth; k += ${lanes}u) {
    let mine = min(k + lane, params.k - 1u);
    let inside = k + lane < params.k;
${
  taps
    ? `    // Quotients by multiplication, exact below 2^20: a lane's division is eight scalar ones.
    let tap = u32((f32(mine) + 0.5) * params.perChannel);
    let down = u32((f32(tap) + 0.5) * params.perAcross);
    let tapDown = i32(down) * params.sign;
    let tapAcross = i32(tap - down * params.across) * params.sign;
    let tapAt = tapDown * params.a_pitchDown + tapAcross * params.a_pitchAcross + i32(mine - tap * params.channels);`
    : `    let kAt = i32(mine * params.pitchK);`
}
${steps.map((u) => vectors.map((c) => `    let b${u}_${c} = packed[right + k * ${COLUMNS}u + ${u * COLUMNS + c * lanes}u];`).join("\n")).join("\n")}
${rows
  .map(
    (r) => `    {
      ${load(r)}
${steps.map((u) => `      { let s = subgroupBroadcast(v, ${u}u);${vectors.map((c) => ` acc${r}_${c} += s * b${u}_${c};`).join("")} }`).join("\n")}
    }`,
  )
  .join("\n")}
  }
${vectors
  .map(
    (c) => `  if (column + ${c * lanes}u < params.n) {
${bias ? `    let bias${c} = bias[column + ${c * lanes}u];\n` : ""}${rows.map((r) => `    if (row0 + ${r}u < params.m) { ${y}[u32(out${r}) + column + ${c * lanes}u] = acc${r}_${c}${bias ? ` + bias${c}` : ""}; }`).join("\n")}
  }`,
  )
  .join("\n")}
}`,
    workgroups: foldWorkgroups(rowTiles * blocks, limits),
  });
}
