import { ceilDiv } from "../plan.ts";
import type { Accumulate, Epilogue } from "../product/epilogue.ts";
import type { FloatType, Gemm, ProductSide } from "../product/gemm.ts";
import { describeConv2d, phases, type Conv2dGeometry } from "./geometry.ts";

// The three products of a convolution as matrix products, for the kernels with tiles in workgroup memory: im2col only ever
// exists a tile at a time, in a loader.

interface Gather {
  readonly array: string;
  readonly channels: number;
  /** Taps across. */
  readonly s: number;
  readonly height: number;
  readonly width: number;
  /** (row of the product) -> pixel of the other image, by name. */
  readonly pixel: Readonly<Record<string, string>>;
  /** Where the pixel meets tap (r, s): i32, perhaps in the padding. */
  readonly h: string;
  readonly w: string;
}

/** WGSL: zero in the padding, else where pixel (h, w) of the image and a channel lie. */
const pixelAt = (
  { height, width, channels }: { height: number; width: number; channels: number },
  image: string,
  channel: string,
  zero: string,
): string[] => [
  `if (h < 0 || h >= ${height} || w < 0 || w >= ${width}) { return ${zero}; }`,
  `let at = ((${image} * ${height}u + u32(h)) * ${width}u + u32(w)) * ${channels}u + ${channel};`,
];

/** Rows are pixels, k is (tap, channel) of what a filter sees there. */
function gather({ array, channels, s, height, width, pixel, h, w }: Gather): ProductSide {
  return {
    array,
    along: "k",
    run: channels,
    outer: "row",
    k: "k",
    limit: "params.m",
    fixed: pixel,
    find: (_, tap, zero) => [
      `let channel = k % ${channels}u;`,
      `let r = ${tap} / ${channels * s}u;`,
      `let s = ${tap} / ${channels}u % ${s}u;`,
      `let h = ${h};`,
      `let w = ${w};`,
      ...pixelAt({ height, width, channels }, "image", "channel", zero),
    ],
    at: "at",
    inside: null,
  };
}

/** y [N·P·Q, K] = im2col(x) [N·P·Q, R·S·C] x wᵀ [R·S·C, K]. */
export function forwardGemm(
  g: Conv2dGeometry,
  dtype: FloatType,
  bias: boolean,
  epilogue: Epilogue | null = null,
): Gemm {
  const inner = g.r * g.s * g.c;
  return {
    label: `conv2d.forward ${describeConv2d(g)}`,
    m: g.n * g.outH * g.outW,
    n: g.k,
    k: inner,
    dtype,
    a: gather({
      array: "x",
      channels: g.c,
      s: g.s,
      height: g.h,
      width: g.w,
      pixel: {
        q: `row % ${g.outW}u`,
        p: `row / ${g.outW}u % ${g.outH}u`,
        image: `row / ${g.outW * g.outH}u`,
      },
      h: `i32(p * ${g.strideH}u + r) - ${g.padH}`,
      w: `i32(q * ${g.strideW}u + s) - ${g.padW}`,
    }),
    b: {
      array: "w",
      along: "k",
      run: inner,
      outer: "column",
      k: "k",
      limit: `${g.k}u`,
      fixed: {},
      find: () => [`let at = column * ${inner}u + k;`],
      at: "at",
      inside: "end - k",
    },
    output: { array: "y", dtype, width: g.k, find: [], at: `row * ${g.k}u + column`, bias, epilogue },
  };
}

/** dx = dy * w turned round: for each phase dx [N·H'·W', C] = gather(dy) [N·H'·W', R'·S'·K] x w [R'·S'·K, C]. */
export function gradInputGemms(g: Conv2dGeometry, dtype: FloatType, epilogue: Accumulate | null = null): Gemm[] {
  return phases(g.h, g.r, g.strideH, g.padH).flatMap((down) =>
    phases(g.w, g.s, g.strideW, g.padW).map((across) => {
      const taps = Math.max(1, across.taps);
      const pixel = {
        j: `row % ${across.count}u`,
        i: `row / ${across.count}u % ${down.count}u`,
        image: `row / ${across.count * down.count}u`,
      };
      return {
        label: `conv2d.gradInput ${describeConv2d(g)} phase ${down.first},${across.first}`,
        m: g.n * down.count * across.count,
        n: g.c,
        k: down.taps * across.taps * g.k,
        dtype,
        a: gather({
          array: "dy",
          channels: g.k,
          s: taps,
          height: g.outH,
          width: g.outW,
          pixel,
          h: `i32(i) + ${down.offset} - i32(r)`,
          w: `i32(j) + ${across.offset} - i32(s)`,
        }),
        b: {
          array: "w",
          along: "outer",
          run: g.c,
          outer: "column",
          k: "k",
          limit: `${g.c}u`,
          fixed: {},
          find: () => [
            `let filter_ = k % ${g.k}u;`,
            `let r = k / ${g.k * taps}u * ${g.strideH}u + ${down.tap}u;`,
            `let s = k / ${g.k}u % ${taps}u * ${g.strideW}u + ${across.tap}u;`,
            `let at = ((filter_ * ${g.r}u + r) * ${g.s}u + s) * ${g.c}u + column;`,
          ],
          at: "at",
          inside: `${g.c}u - column`,
        },
        output: {
          array: "dx",
          dtype,
          width: g.c,
          find: Object.entries(pixel).map(([name, value]) => `let ${name} = ${value};`),
          at: `((image * ${g.h}u + i * ${g.strideH}u + ${down.first}u) * ${g.w}u + j * ${g.strideW}u + ${across.first}u) * ${g.c}u + column`,
          bias: false,
          epilogue,
        },
      };
    }),
  );
}

/** Outputs tiles below which the sum over all pixels is split: about as many as a large GPU has multiprocessors, twice. */
const ENOUGH_TILES = 256;
/** Pixels that a split adds up, at least. */
const LEAST_PIXELS = 512;

/**
 * dw [K, R·S·C] = dyᵀ [K, N·P·Q] x im2col(x) [N·P·Q, R·S·C] in tiles of rows x columns, dw in f32. Small filters' sums are
 * split over the pixels, into `partial`, to be added in order.
 */
export function gradWeightGemm(g: Conv2dGeometry, dtype: FloatType, tileRows: number, tileColumns: number): Gemm {
  const inner = g.r * g.s * g.c;
  const pixels = g.n * g.outH * g.outW;
  const tiles = ceilDiv(g.k, tileRows) * ceilDiv(inner, tileColumns);
  const split = tiles < ENOUGH_TILES; // by the filter alone: the batch must not change the WGSL
  return {
    label: `conv2d.gradWeight ${describeConv2d(g)}`,
    m: g.k,
    n: inner,
    k: pixels,
    splits: split ? Math.max(1, Math.min(ceilDiv(ENOUGH_TILES, tiles), ceilDiv(pixels, LEAST_PIXELS))) : 1,
    dtype,
    a: {
      array: "dy",
      along: "outer",
      run: g.k,
      outer: "row",
      k: "k",
      limit: `${g.k}u`,
      fixed: {},
      find: () => [`let at = k * ${g.k}u + row;`],
      at: "at",
      inside: `${g.k}u - row`,
    },
    b: {
      array: "x",
      along: "outer",
      run: g.c,
      outer: "column",
      k: "pixel",
      limit: `${inner}u`,
      fixed: {
        r: `column / ${g.s * g.c}u`,
        s: `column / ${g.c}u % ${g.s}u`,
        channel: `column % ${g.c}u`,
      },
      inlined: true,
      find: ({ r, s, channel }, _, zero) => [
        `let q = pixel % ${g.outW}u;`,
        `let p = pixel / ${g.outW}u % ${g.outH}u;`,
        `let image = pixel / ${g.outW * g.outH}u;`,
        `let h = i32(p * ${g.strideH}u + ${r}) - ${g.padH};`,
        `let w = i32(q * ${g.strideW}u + ${s}) - ${g.padW};`,
        ...pixelAt({ height: g.h, width: g.w, channels: g.c }, "image", channel!, zero),
      ],
      at: "at",
      inside: null,
    },
    output: {
      array: split ? "partial" : "dw",
      dtype: "f32",
      width: inner,
      find: [],
      at: `(split * ${g.k}u + row) * ${inner}u + column`,
      bias: false,
    },
  };
}
