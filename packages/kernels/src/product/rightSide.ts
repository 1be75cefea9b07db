import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";
import { storedArray } from "../stored.ts";
import type { FloatType } from "./gemm.ts";
import { columnsOfBlock, paddedTo4, range, ROWS } from "./lanes.ts";

/** Taps of a filter along one axis: first, first + step, ...: `count` of them, 1 or more. */
export interface Taps {
  readonly count: number;
  readonly first: number;
  readonly step: number;
}

/** Every tap of a filter. */
export const allTaps = (count: number): Taps => ({ count, first: 0, step: 1 });

/** The right side of a product as it is stored: filters by column, in the order of the sum: (tap row, tap column, channel), channels fastest. */
export interface RightSource {
  readonly label: string;
  readonly source: string;
  /** The source's type. */
  readonly dtype: FloatType;
  readonly columns: number;
  readonly channels: number;
  /** The rows and the columns of the filter that are summed. */
  readonly down: Taps;
  readonly across: Taps;
  /** Elements from one column, filter row, filter column, channel to the next in the source. */
  readonly pitch: { readonly column: number; readonly down: number; readonly across: number; readonly channel: number };
  /** The first element of `packed` to be written. */
  readonly offset: number;
}

/** The right side of a product as its kernel reads it: an f32 array, and elements from one block, column, tap and channel to the next. */
export interface RightSide {
  /** Null where the source serves as it is. */
  readonly pass: KernelPass | null;
  readonly array: string;
  readonly offset: number;
  /** A multiple of 4. */
  readonly channels: number;
  readonly pitch: RightSource["pitch"] & { readonly block: number };
  /** Elements of `packed`. */
  readonly length: number;
}

/** Tiles of rows below which packing costs more than it saves. */
const TILES_WORTH_PACKING = 16;

/** Where the first tap is in a filter. */
const firstTap = ({ down, across, pitch }: RightSource): number =>
  down.first * pitch.down + across.first * pitch.across;

/** Elements of a column that an invocation packs. */
const EACH = 4;

/**
 * The right side for a product of `rows` rows: packed, or for few rows and whole vec4s of channels the source itself, if it is f32. Either
 * way the same kernel sums in the same order.
 */
export function rightSide(source: RightSource, rows: number, lanes: number, limits: DeviceLimits): RightSide {
  const { pitch, channels, dtype } = source;
  if (dtype === "f16" || channels % 4 !== 0 || ceilDiv(rows, ROWS) > TILES_WORTH_PACKING)
    return pack(source, lanes, limits);
  return {
    pass: null,
    array: source.source,
    offset: firstTap(source),
    channels,
    pitch: {
      ...pitch,
      down: source.down.step * pitch.down,
      across: source.across.step * pitch.across,
      block: columnsOfBlock(lanes) * pitch.column,
    },
    length: 0,
  };
}

/**
 * packed[block][depth][columns of the block] = the source, zeros past its edges: the lanes' loads of the product are then
 * neighbours, and one block is read front to back.
 */
function pack(source: RightSource, lanes: number, limits: DeviceLimits): RightSide {
  const { pitch } = source;
  const stored = storedArray(source.dtype);
  const block = columnsOfBlock(lanes);
  const paddedChannels = paddedTo4(source.channels);
  const depth = source.down.count * source.across.count * paddedChannels;
  const groups = depth / EACH;
  const blocks = ceilDiv(source.columns, block);
  const pass = definePass({
    label: source.label,
    bindings: {
      filters: { operand: source.source, ...stored.read },
      packed: { type: "array<f32>", access: "read_write" },
    },
    enables: stored.enables,
    params: {
      columns: { u32: source.columns },
      channels: { u32: source.channels },
      quads: { u32: paddedChannels / EACH },
      groups: { u32: groups },
      blocks: { u32: blocks },
      offset: { u32: source.offset },
      across: { u32: source.across.count },
      first: { u32: firstTap(source) },
      pitchDown: { u32: source.down.step * pitch.down },
      pitchAcross: { u32: source.across.step * pitch.across },
      pitchChannel: { u32: pitch.channel },
      pitchColumn: { u32: pitch.column },
    },
    body: `@compute @workgroup_size(${block}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.groups * params.blocks) { return; }
  let block = group / params.groups;
  let step = group % params.groups;
  let tap = step / params.quads;
  let channel = step % params.quads * ${EACH}u;
  let column = block * ${block}u + lane;
  let source = params.first + tap / params.across * params.pitchDown + tap % params.across * params.pitchAcross + min(column, params.columns - 1u) * params.pitchColumn;
  let to = params.offset + group * ${EACH * block}u + lane;
${range(EACH)
  .map(
    (u) =>
      `  packed[to + ${u * block}u] = select(0.0, ${stored.load(`filters[source + min(channel + ${u}u, params.channels - 1u) * params.pitchChannel]`)}, column < params.columns && channel + ${u}u < params.channels);`,
  )
  .join("\n")}
}`,
    workgroups: foldWorkgroups(groups * blocks, limits),
  });
  return {
    pass,
    array: "packed",
    offset: source.offset,
    channels: paddedChannels,
    pitch: {
      block: depth * block,
      column: 1,
      channel: block,
      across: paddedChannels * block,
      down: source.across.count * paddedChannels * block,
    },
    length: blocks * depth * block,
  };
}
