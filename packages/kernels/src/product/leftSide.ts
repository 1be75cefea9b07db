import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";
import { storedArray } from "../stored.ts";
import type { FloatType } from "./gemm.ts";
import { paddedTo4 } from "./lanes.ts";

/** The left side of a product as it is stored: images of pixels of channels, at any distances. */
export interface LeftSource {
  readonly label: string;
  readonly source: string;
  /** The source's type. */
  readonly dtype: FloatType;
  /** The array that is written where the source can't serve as it is; default: "laidOut". */
  readonly to?: string;
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Elements from one image, row, pixel, channel to the next in the source. */
  readonly pitch: { readonly image: number; readonly down: number; readonly across: number; readonly channel: number };
  /** Rows and columns of zeros around. */
  readonly padding: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}

/** The left side of a product as its kernel reads it: an f32 array of images with zeros around and channels that are a multiple of 4. */
export interface LeftSide {
  /** Null where the source is one already. */
  readonly pass: KernelPass | null;
  /** The array's name: the one to be written, or the source's. */
  readonly array: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Elements. */
  readonly length: number;
}

/** Elements that a workgroup writes. */
const CHUNK = 512;

/**
 * laidOut[image][height][width][channels] = the source with its padding, in f32, so that a product's loop neither
 * tests for the edge nor for the last channel, and loads four channels at once.
 */
export function leftSide(source: LeftSource, lanes: number, limits: DeviceLimits): LeftSide {
  const { pitch, padding, dtype, to = "laidOut" } = source;
  const stored = storedArray(dtype);
  const height = source.height + padding.top + padding.bottom;
  const width = source.width + padding.left + padding.right;
  const channels = paddedTo4(source.channels);
  const length = source.images * height * width * channels;
  const asIs =
    dtype === "f32" &&
    height === source.height &&
    width === source.width &&
    channels === source.channels &&
    pitch.channel === 1 &&
    pitch.across === channels &&
    (height === 1 || pitch.down === width * channels) &&
    (source.images === 1 || pitch.image === height * width * channels);
  const shape = { height, width, channels, length };
  if (asIs) return { pass: null, array: source.source, ...shape };
  const perRow = width * channels;
  const chunks = ceilDiv(perRow, CHUNK);
  const pass = definePass({
    label: source.label,
    bindings: {
      images: { operand: source.source, ...stored.read },
      laidOut: { operand: to, type: "array<f32>", access: "read_write" },
    },
    enables: stored.enables,
    params: {
      rows: { u32: source.images * height },
      chunks: { u32: chunks },
      perRow: { u32: perRow },
      padded: { u32: channels },
      channels: { u32: source.channels },
      outHeight: { u32: height },
      height: { u32: source.height },
      width: { u32: source.width },
      top: { u32: padding.top },
      left: { u32: padding.left },
      pitchImage: { u32: pitch.image },
      pitchDown: { u32: pitch.down },
      pitchAcross: { u32: pitch.across },
      pitchChannel: { u32: pitch.channel },
    },
    body: `@compute @workgroup_size(${lanes}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.rows * params.chunks) { return; }
  let row = group / params.chunks;
  let image = row / params.outHeight;
  let y = row % params.outHeight - params.top; // wraps around above the image, past every height
  let end = min(params.perRow, (group % params.chunks + 1u) * ${CHUNK}u);
  var at = group % params.chunks * ${CHUNK}u + lane;
  var pixel = at / params.padded;
  var channel = at % params.padded;
  for (; at < end; at += ${lanes}u) {
    let x = pixel - params.left;
    let inside = y < params.height && x < params.width && channel < params.channels;
    let source = image * params.pitchImage + y * params.pitchDown + x * params.pitchAcross + channel * params.pitchChannel;
    laidOut[row * params.perRow + at] = select(0.0, ${stored.load("images[select(0u, source, inside)]")}, inside);
    channel += ${lanes}u;
    // Channels may be fewer than the lanes.
    while (channel >= params.padded) { channel -= params.padded; pixel++; }
  }
}`,
    workgroups: foldWorkgroups(source.images * height * chunks, limits),
  });
  return { pass, array: to, ...shape };
}
