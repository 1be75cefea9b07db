import type { DeviceLimits } from "../limits.ts";
import type { KernelPass } from "../plan.ts";
import { broadcastProductPass, packedLength, packPass, type PackTaps, type PixelGrid } from "../matmul/broadcast.ts";
import { describeConv2d, phases, type Conv2dGeometry } from "./geometry.ts";

interface Built {
  readonly passes: KernelPass[];
  readonly workspace: Record<string, number>;
}

/** Pixels one after the other, `channels` each: what a result without gaps looks like. */
const dense = (down: number, across: number, channels: number): PixelGrid => ({
  down,
  across,
  firstDown: 0,
  strideDown: 1,
  firstAcross: 0,
  strideAcross: 1,
  pitch: { image: down * across * channels, down: across * channels, across: channels },
});

/** y [N·P·Q, K] = gathered x [N·P·Q, R·S·C] x packed wᵀ [R·S·C, K]. */
export function broadcastForward(g: Conv2dGeometry, bias: boolean, lanes: number, limits: DeviceLimits): Built {
  const label = `conv2d.forward ${describeConv2d(g)}`;
  const k = g.r * g.s * g.c;
  const taps: PackTaps = {
    channels: g.c,
    down: g.r,
    across: g.s,
    firstDown: 0,
    stepDown: 1,
    firstAcross: 0,
    stepAcross: 1,
  };
  const pack = packPass(
    {
      label: `${label} pack`,
      source: "w",
      columns: g.k,
      taps,
      pitch: { column: k, down: g.s * g.c, across: g.c, channel: 1 },
      offset: 0,
    },
    lanes,
    limits,
  );
  const pointwise = g.r === 1 && g.s === 1 && g.padH === 0 && g.padW === 0;
  const product = broadcastProductPass(
    {
      label,
      m: g.n * g.outH * g.outW,
      n: g.k,
      k,
      a: "x",
      rows: {
        ...dense(g.h, g.w, g.c),
        down: g.outH,
        across: g.outW,
        firstDown: -g.padH,
        strideDown: g.strideH,
        firstAcross: -g.padW,
        strideAcross: g.strideW,
      },
      pitchK: 1,
      taps: pointwise ? null : { channels: g.c, across: g.s, sign: 1, height: g.h, width: g.w },
      offset: 0,
      y: "y",
      out: dense(g.outH, g.outW, g.k),
      bias,
    },
    lanes,
    limits,
  );
  return { passes: [pack, product], workspace: { packed: packedLength(g.k, k, lanes) * 4 } };
}

/** For each phase dx [N·H'·W', C] = gathered dy [N·H'·W', R'·S'·K] x packed w [R'·S'·K, C]. */
export function broadcastGradInput(g: Conv2dGeometry, lanes: number, limits: DeviceLimits): Built {
  const label = `conv2d.gradInput ${describeConv2d(g)}`;
  const pointwise = g.r === 1 && g.s === 1 && g.padH === 0 && g.padW === 0;
  const passes: KernelPass[] = [];
  let offset = 0;
  for (const down of phases(g.h, g.r, g.strideH, g.padH)) {
    for (const across of phases(g.w, g.s, g.strideW, g.padW)) {
      const k = down.taps * across.taps * g.k;
      const taps: PackTaps = {
        channels: g.k,
        down: down.taps,
        across: across.taps,
        firstDown: down.tap,
        stepDown: g.strideH,
        firstAcross: across.tap,
        stepAcross: g.strideW,
      };
      const pitch = { column: 1, down: g.s * g.c, across: g.c, channel: g.r * g.s * g.c };
      const phase = `${label} phase ${down.first},${across.first}`;
      if (k > 0)
        passes.push(
          packPass({ label: `${phase} pack`, source: "w", columns: g.c, taps, pitch, offset }, lanes, limits),
        );
      passes.push(
        broadcastProductPass(
          {
            label: phase,
            m: g.n * down.count * across.count,
            n: g.c,
            k,
            a: "dy",
            rows: {
              ...dense(g.outH, g.outW, g.k),
              down: down.count,
              across: across.count,
              firstDown: down.offset,
              firstAcross: across.offset,
            },
            pitchK: 1,
            taps: pointwise
              ? null
              : { channels: g.k, across: Math.max(1, across.taps), sign: -1, height: g.outH, width: g.outW },
            offset,
            y: "dx",
            out: {
              ...dense(g.h, g.w, g.c),
              down: down.count,
              across: across.count,
              firstDown: down.first,
              strideDown: g.strideH,
              firstAcross: across.first,
              strideAcross: g.strideW,
            },
            bias: false,
          },
          lanes,
          limits,
        ),
      );
      offset += packedLength(g.c, k, lanes);
    }
  }
  return { passes, workspace: { packed: Math.max(4, offset * 4) } };
}
