import { F32_READ, F32_WRITE } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, type KernelPass, type PlanBody } from "../plan.ts";
import { sumSplitsPass } from "../product/sumSplits.ts";
import { neighbours, tiledGemmPass } from "../product/tiled.ts";
import { describeConv2d, phases, type Conv2dGeometry } from "./geometry.ts";

const V4_READ = { type: "array<vec4f>", access: "read" } as const;

/** A larger tile where an image has enough rows to fill many: not by the batch, which must not change the WGSL. */
const tileOf = (rowsPerImage: number, columns: number): 64 | 128 => (rowsPerImage >= 784 && columns >= 128 ? 128 : 64);

/** An array whose rows are `width` long, read four at a time: one vector load where the width allows it. */
const quadRead = (width: number) => (width % 4 === 0 ? V4_READ : F32_READ);

/** As `neighbours`, of an array that is bound with `quadRead(width)`; `at` is a multiple of 4 where the width is. */
const quad = (array: string, width: number, at: string, inside: string): string =>
  width % 4 === 0 ? `${array}[(${at}) / 4u]` : neighbours(array, at, inside);

/** y [N·P·Q, K] = im2col(x) [N·P·Q, R·S·C] x wᵀ [R·S·C, K]; im2col only ever exists a tile at a time. */
export function tiledForward(g: Conv2dGeometry, bias: boolean, limits: DeviceLimits): KernelPass[] {
  const inner = g.r * g.s * g.c;
  const label = `conv2d.forward ${describeConv2d(g)}`;
  return [
    tiledGemmPass(
      {
        label,
        m: g.n * g.outH * g.outW,
        n: g.k,
        k: inner,
        bindings: { x: quadRead(g.c), w: quadRead(inner), ...(bias ? { bias: F32_READ } : {}), y: F32_WRITE },
        a: {
          along: "k",
          functions: gather(
            "loadA",
            { array: "x", rows: "params.m", channels: g.c, s: g.s, height: g.h, width: g.w },
            (row) => `let q = ${row} % ${g.outW}u;
  let p = ${row} / ${g.outW}u % ${g.outH}u;
  let image = ${row} / ${g.outW * g.outH}u;`,
            { h: `i32(p * ${g.strideH}u + r) - ${g.padH}`, w: `i32(q * ${g.strideW}u + s) - ${g.padW}` },
            "row: u32, k: u32",
          ),
        },
        b: {
          along: "k",
          functions: `fn loadB(column: u32, k: u32, end: u32) -> vec4f {
  if (column >= ${g.k}u || k >= end) { return vec4f(); }
  let at = column * ${inner}u + k;
  return ${quad("w", inner, "at", "end - k")};
}`,
        },
        store: `fn store(row: u32, column: u32, split: u32, value: f32) { y[row * ${g.k}u + column] = value${bias ? " + bias[column]" : ""}; }`,
        tile: tileOf(g.outH * g.outW, g.k),
      },
      limits,
    ),
  ];
}

interface Gather {
  readonly array: string;
  /** Rows of the product, WGSL. */
  readonly rows: string;
  readonly channels: number;
  /** Taps across. */
  readonly s: number;
  readonly height: number;
  readonly width: number;
}

/** A function of (pixel of the product, tap and channel) -> four channels of an image, zeros in its padding. */
function gather(
  name: string,
  from: Gather,
  pixel: (row: string) => string,
  place: { h: string; w: string },
  args: string,
): string {
  const { array, rows, channels, s, height, width } = from;
  const vector = channels % 4 === 0;
  const body = `  if (row >= ${rows} || k >= end) { return ${vector ? "vec4f()" : "0.0"}; }
  ${pixel("row")}
  let channel = k % ${channels}u;
  let r = k / ${channels * s}u;
  let s = k / ${channels}u % ${s}u;
  let h = ${place.h};
  let w = ${place.w};
  if (h < 0 || h >= ${height} || w < 0 || w >= ${width}) { return ${vector ? "vec4f()" : "0.0"}; }
  let at = ((image * ${height}u + u32(h)) * ${width}u + u32(w)) * ${channels}u + channel;`;
  if (vector) return `fn ${name}(${args}, end: u32) -> vec4f {\n${body}\n  return ${array}[at / 4u];\n}`;
  const along = [0, 1, 2, 3].map((i) => `${name}One(row, k + ${i}u, end)`).join(", ");
  return `fn ${name}One(row: u32, k: u32, end: u32) -> f32 {\n${body}\n  return ${array}[at];\n}
fn ${name}(${args}, end: u32) -> vec4f { return vec4f(${along}); }`;
}

/** dx = dy * w turned round: for each phase [N·H'·W', C] = gather(dy) [N·H'·W', R'·S'·K] x w [R'·S'·K, C]. */
export function tiledGradInput(g: Conv2dGeometry, limits: DeviceLimits): KernelPass[] {
  return phases(g.h, g.r, g.strideH, g.padH).flatMap((down) =>
    phases(g.w, g.s, g.strideW, g.padW).map((across) => {
      const inner = down.taps * across.taps * g.k;
      const taps = Math.max(1, across.taps);
      return tiledGemmPass(
        {
          label: `conv2d.gradInput ${describeConv2d(g)} phase ${down.first},${across.first}`,
          m: g.n * down.count * across.count,
          n: g.c,
          k: inner,
          bindings: { dy: quadRead(g.k), w: quadRead(g.c), dx: F32_WRITE },
          a: {
            along: "k",
            functions: gather(
              "loadA",
              { array: "dy", rows: "params.m", channels: g.k, s: taps, height: g.outH, width: g.outW },
              (row) => `let j = ${row} % ${across.count}u;
  let i = ${row} / ${across.count}u % ${down.count}u;
  let image = ${row} / ${across.count * down.count}u;`,
              { h: `i32(i) + ${down.offset} - i32(r)`, w: `i32(j) + ${across.offset} - i32(s)` },
              "row: u32, k: u32",
            ),
          },
          b: {
            along: "outer",
            functions: `fn loadB(column: u32, k: u32, end: u32) -> vec4f {
  if (column >= ${g.c}u || k >= end) { return vec4f(); }
  let filter_ = k % ${g.k}u;
  let r = k / ${g.k * taps}u * ${g.strideH}u + ${down.tap}u;
  let s = k / ${g.k}u % ${taps}u * ${g.strideW}u + ${across.tap}u;
  let at = ((filter_ * ${g.r}u + r) * ${g.s}u + s) * ${g.c}u + column;
  return ${quad("w", g.c, "at", `${g.c}u - column`)};
}`,
          },
          store: `fn store(row: u32, column: u32, split: u32, value: f32) {
  let j = row % ${across.count}u;
  let i = row / ${across.count}u % ${down.count}u;
  let image = row / ${across.count * down.count}u;
  dx[((image * ${g.h}u + i * ${g.strideH}u + ${down.first}u) * ${g.w}u + j * ${g.strideW}u + ${across.first}u) * ${g.c}u + column] = value;
}`,
          tile: tileOf(down.count * across.count, g.c),
        },
        limits,
      );
    }),
  );
}

/** Outputs tiles below which the sum over all pixels is split: about as many as a large GPU has multiprocessors, twice. */
const ENOUGH_TILES = 256;
/** Pixels that a split adds up, at least. */
const LEAST_PIXELS = 512;

/** dw [K, R·S·C] = dyᵀ [K, N·P·Q] x im2col(x) [N·P·Q, R·S·C]. Small filters' sums are split over the pixels, then added in order. */
export function tiledGradWeight(g: Conv2dGeometry, limits: DeviceLimits): PlanBody {
  const label = `conv2d.gradWeight ${describeConv2d(g)}`;
  const inner = g.r * g.s * g.c;
  const count = g.k * inner;
  const pixels = g.n * g.outH * g.outW;
  const tiles = ceilDiv(g.k, 64) * ceilDiv(inner, 64);
  const split = tiles < ENOUGH_TILES; // by the filter alone: the batch must not change the WGSL
  const splits = split ? Math.max(1, Math.min(ceilDiv(ENOUGH_TILES, tiles), ceilDiv(pixels, LEAST_PIXELS))) : 1;
  const output = split ? "partial" : "dw";
  const pass = tiledGemmPass(
    {
      label,
      m: g.k,
      n: inner,
      k: pixels,
      splits,
      bindings: { dy: quadRead(g.k), x: quadRead(g.c), [output]: F32_WRITE },
      a: {
        along: "outer",
        functions: `fn loadA(row: u32, k: u32, end: u32) -> vec4f {
  if (row >= ${g.k}u || k >= end) { return vec4f(); }
  let at = k * ${g.k}u + row;
  return ${quad("dy", g.k, "at", `${g.k}u - row`)};
}`,
      },
      b: {
        along: "outer",
        functions: weightColumns(g, inner),
      },
      store: `fn store(row: u32, column: u32, split: u32, value: f32) { ${output}[(split * ${g.k}u + row) * ${inner}u + column] = value; }`,
      tile: 64,
    },
    limits,
  );
  if (!split) return { passes: [pass], workspace: {} };
  return {
    passes: [pass, sumSplitsPass(`${label} sum`, "dw", count, splits, limits)],
    workspace: { partial: count * splits * 4 },
  };
}

function weightColumns(g: Conv2dGeometry, inner: number): string {
  const vector = g.c % 4 === 0;
  const body = `  if (column >= ${inner}u || pixel >= end) { return ${vector ? "vec4f()" : "0.0"}; }
  let q = pixel % ${g.outW}u;
  let p = pixel / ${g.outW}u % ${g.outH}u;
  let image = pixel / ${g.outW * g.outH}u;
  let h = i32(p * ${g.strideH}u + column / ${g.s * g.c}u) - ${g.padH};
  let w = i32(q * ${g.strideW}u + column / ${g.c}u % ${g.s}u) - ${g.padW};
  if (h < 0 || h >= ${g.h} || w < 0 || w >= ${g.w}) { return ${vector ? "vec4f()" : "0.0"}; }
  let at = ((image * ${g.h}u + u32(h)) * ${g.w}u + u32(w)) * ${g.c}u + column % ${g.c}u;`;
  if (vector) return `fn loadB(column: u32, pixel: u32, end: u32) -> vec4f {\n${body}\n  return x[at / 4u];\n}`;
  return `fn loadOne(column: u32, pixel: u32, end: u32) -> f32 {\n${body}\n  return x[at];\n}
fn loadB(column: u32, pixel: u32, end: u32) -> vec4f {
  return vec4f(${[0, 1, 2, 3].map((i) => `loadOne(column + ${i}u, pixel, end)`).join(", ")});
}`;
}
