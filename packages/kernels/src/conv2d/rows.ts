import type { DeviceLimits } from "../limits.ts";
import type { KernelPass, PlanBody } from "../plan.ts";
import type { Accumulate, Epilogue } from "../product/epilogue.ts";
import type { FloatType } from "../product/gemm.ts";
import { leftSide, type LeftSide } from "../product/leftSide.ts";
import { allTaps, rightSide, type RightSide } from "../product/rightSide.ts";
import { rowProductPass, type PixelGrid } from "../product/rowProduct.ts";
import { describeConv2d, phases, type Conv2dGeometry, type Phase } from "./geometry.ts";

/** All pixels of an array [n][height][width][channels], or every `stride`-th from a first one. */
function gridOf(
  { height, width, channels }: Pick<LeftSide, "height" | "width" | "channels">,
  part: {
    readonly down: number;
    readonly across: number;
    readonly firstDown?: number;
    readonly firstAcross?: number;
    readonly strideDown?: number;
    readonly strideAcross?: number;
  },
): PixelGrid {
  const { down, across, firstDown = 0, firstAcross = 0, strideDown = 1, strideAcross = 1 } = part;
  return {
    down,
    across,
    first: (firstDown * width + firstAcross) * channels,
    pitch: { image: height * width * channels, down: strideDown * width * channels, across: strideAcross * channels },
  };
}

/** x with its zeros around, as the convolution reads it. */
export function leftInput(
  label: string,
  g: Conv2dGeometry,
  dtype: FloatType,
  lanes: number,
  limits: DeviceLimits,
): LeftSide {
  const pitch = { image: g.h * g.w * g.c, down: g.w * g.c, across: g.c, channel: 1 };
  const padding = { top: g.padH, bottom: g.padH, left: g.padW, right: g.padW };
  const source = { label: `${label} lay out`, source: "x", dtype, images: g.n, height: g.h, width: g.w, channels: g.c };
  return leftSide({ ...source, pitch, padding }, lanes, limits);
}

const workspaceOf = ({ pass, length }: LeftSide, packed: number): Record<string, number> => ({
  ...(pass ? { laidOut: length * 4 } : {}),
  ...(packed > 0 ? { packed: packed * 4 } : {}),
});

/** y [N·P·Q, K] = gathered x [N·P·Q, R·S·C] x packed wᵀ [R·S·C, K]. */
export function rowsForward(
  g: Conv2dGeometry,
  dtype: FloatType,
  bias: boolean,
  lanes: number,
  limits: DeviceLimits,
  epilogue: Epilogue | null = null,
): PlanBody {
  const label = `conv2d.forward ${describeConv2d(g)}`;
  const x = leftInput(label, g, dtype, lanes, limits);
  const filters = rightSide(
    {
      label: `${label} pack`,
      source: "w",
      dtype,
      columns: g.k,
      channels: g.c,
      down: allTaps(g.r),
      across: allTaps(g.s),
      pitch: { column: g.r * g.s * g.c, down: g.s * g.c, across: g.c, channel: 1 },
      offset: 0,
    },
    g.n * g.outH * g.outW,
    lanes,
    limits,
  );
  const product = rowProductPass(
    {
      label,
      m: g.n * g.outH * g.outW,
      n: g.k,
      left: x.array,
      rows: gridOf(x, { down: g.outH, across: g.outW, strideDown: g.strideH, strideAcross: g.strideW }),
      taps: { down: g.r, across: g.s, pitchDown: x.width * x.channels, pitchAcross: x.channels },
      right: filters,
      y: "y",
      dtype,
      out: gridOf({ height: g.outH, width: g.outW, channels: g.k }, { down: g.outH, across: g.outW }),
      bias,
      epilogue,
    },
    lanes,
    limits,
  );
  return {
    passes: [x.pass, filters.pass, product].filter((pass) => pass !== null),
    workspace: workspaceOf(x, filters.length),
  };
}

/** The outputs before the first and past the last that a phase's taps reach. */
const reach = (all: readonly Phase[], size: number): { before: number; after: number } => ({
  before: Math.max(0, ...all.filter(({ taps }) => taps > 0).map(({ offset, taps }) => taps - 1 - offset)),
  after: Math.max(0, ...all.filter(({ taps }) => taps > 0).map(({ offset, count }) => count - 1 + offset - (size - 1))),
});

/** The right side of a phase that no tap reaches: its sums are empty, and nothing of the filters is read. */
const NO_FILTERS: RightSide = {
  pass: null,
  array: "w",
  offset: 0,
  channels: 0,
  pitch: { block: 0, column: 0, channel: 0, across: 0, down: 0 },
  length: 0,
};

/** For each phase dx [N·H'·W', C] = gathered dy [N·H'·W', R'·S'·K] x packed w [R'·S'·K, C]. */
export function rowsGradInput(
  g: Conv2dGeometry,
  dtype: FloatType,
  lanes: number,
  limits: DeviceLimits,
  epilogue: Accumulate | null = null,
): PlanBody {
  const label = `conv2d.gradInput ${describeConv2d(g)}`;
  const downs = phases(g.h, g.r, g.strideH, g.padH);
  const acrosses = phases(g.w, g.s, g.strideW, g.padW);
  const [vertical, horizontal] = [reach(downs, g.outH), reach(acrosses, g.outW)];
  const dy = leftSide(
    {
      label: `${label} lay out`,
      source: "dy",
      dtype,
      images: g.n,
      height: g.outH,
      width: g.outW,
      channels: g.k,
      pitch: { image: g.outH * g.outW * g.k, down: g.outW * g.k, across: g.k, channel: 1 },
      padding: {
        top: vertical.before,
        bottom: vertical.after,
        left: horizontal.before,
        right: horizontal.after,
      },
    },
    lanes,
    limits,
  );
  const passes: KernelPass[] = dy.pass ? [dy.pass] : [];
  let offset = 0;
  for (const down of downs) {
    for (const across of acrosses) {
      const reached = down.taps > 0 && across.taps > 0;
      if (!reached && epilogue) continue; // nothing to be added there
      const phase = `${label} phase ${down.first},${across.first}`;
      const filters = reached
        ? rightSide(
            {
              label: `${phase} pack`,
              source: "w",
              dtype,
              columns: g.c,
              channels: g.k,
              down: { count: down.taps, first: down.tap, step: g.strideH },
              across: { count: across.taps, first: across.tap, step: g.strideW },
              pitch: { column: 1, down: g.s * g.c, across: g.c, channel: g.r * g.s * g.c },
              offset,
            },
            g.n * g.h * g.w,
            lanes,
            limits,
          )
        : NO_FILTERS;
      if (filters.pass) passes.push(filters.pass);
      const product = rowProductPass(
        {
          label: phase,
          m: g.n * down.count * across.count,
          n: g.c,
          left: dy.array,
          // Position i of the phase and tap j meet at output i + offset - j.
          rows: gridOf(dy, {
            down: down.count,
            across: across.count,
            firstDown: down.offset + vertical.before,
            firstAcross: across.offset + horizontal.before,
          }),
          taps: {
            down: reached ? down.taps : 0,
            across: reached ? across.taps : 0,
            pitchDown: -dy.width * dy.channels,
            pitchAcross: -dy.channels,
          },
          right: filters,
          y: "dx",
          dtype,
          out: gridOf(
            { height: g.h, width: g.w, channels: g.c },
            {
              down: down.count,
              across: across.count,
              firstDown: down.first,
              firstAcross: across.first,
              strideDown: g.strideH,
              strideAcross: g.strideW,
            },
          ),
          bias: false,
          epilogue,
        },
        lanes,
        limits,
      );
      passes.push(product);
      offset += filters.length;
    }
  }
  return { passes, workspace: workspaceOf(dy, offset) };
}
