import type { Draws } from "./draws.ts";
import { lineNoise } from "./noise.ts";

/** The step of a bone's tables along its axis, in mm. */
export const TABLE_STEP = 0.25;

/**
 * A tubular bone whose axis lies along u in the plane of the picture: tables over u, from `from` in steps of TABLE_STEP. A cross
 * section is an ellipse of half width `outer` in the plane and half depth `depth * outer` along the ray, with the marrow in a
 * like ellipse of half width `inner`. All lengths in mm.
 */
export interface Bone {
  readonly from: number;
  /** Where the axis runs across the limb. */
  readonly centre: Float64Array;
  readonly outer: Float64Array;
  readonly inner: Float64Array;
  /** 0 in the shaft, where the cavity holds marrow, to 1 at an end, where it is filled with spongy bone. */
  readonly spongy: Float64Array;
  readonly depth: number;
}

export interface ShaftOptions {
  /** Where along the limb the tables begin and end. */
  readonly from: number;
  readonly to: number;
  /** Where the bone ends in a joint; past `to`, that is out of sight. */
  readonly end: number;
  /** Half width in the middle of the shaft. */
  readonly radius: number;
  readonly offset: number;
  /** The axis runs along offset + slope u + bow u² / 2. */
  readonly slope: number;
  readonly bow: number;
}

/** A long bone: a shaft that flares into a metaphysis and ends, rounded, in a joint. */
export function drawShaft(draws: Draws, options: ShaftOptions): Bone {
  const { from, to, end, radius, offset, slope, bow } = options;
  const flare = draws.between(0.35, 0.75);
  const flareLength = radius * draws.between(3, 4.5);
  const cortex = radius * draws.between(0.28, 0.42);
  const roughness = lineNoise(draws);
  const cavity = lineNoise(draws);
  const cap = radius * draws.between(0.4, 0.7);
  return tabulate(from, to, draws.between(0.85, 1.1), (u) => {
    const widening = clamp((u - end + flareLength) / flareLength);
    const rounding = cap > end - u ? Math.sqrt(Math.max(0, 1 - ((u - end + cap) / cap) ** 2)) : 1;
    const outer =
      u > end
        ? 0
        : radius * (1 + flare * widening * widening) * (1 + 0.03 * roughness(u / 14)) * (0.25 + 0.75 * rounding);
    const shell = cortex * (1 - 0.8 * widening) * (1 + 0.15 * cavity(u / 9));
    const inner = end - u < shell ? 0 : Math.max(0, outer - shell);
    return { centre: offset + slope * u + (bow * u * u) / 2, outer, inner, spongy: widening * (2 - widening) };
  });
}

export interface NoduleOptions {
  readonly from: number;
  readonly to: number;
  readonly u: number;
  readonly v: number;
  /** Half length along the limb and half width across it. */
  readonly length: number;
  readonly width: number;
}

/** A short bone of spongy bone in a thin shell, as in a wrist or an ankle; long ones serve as the far side of a joint. */
export function drawNodule(draws: Draws, { from, to, u: middle, v, length, width }: NoduleOptions): Bone {
  const shell = draws.between(0.8, 1.3);
  const roughness = lineNoise(draws);
  // A superellipse: blunter than an ellipse, as these bones are.
  const power = draws.between(2.4, 3.4);
  return tabulate(from, to, draws.between(0.8, 1), (u) => {
    const along = Math.abs(u - middle) / length;
    const outer = along >= 1 ? 0 : width * (1 - along ** power) ** (1 / power) * (1 + 0.05 * roughness(u / 6));
    const inner = length - Math.abs(u - middle) < shell ? 0 : Math.max(0, outer - shell);
    return { centre: v, outer, inner, spongy: 1 };
  });
}

function tabulate(
  from: number,
  to: number,
  depth: number,
  at: (u: number) => { centre: number; outer: number; inner: number; spongy: number },
): Bone {
  const length = Math.ceil((to - from) / TABLE_STEP) + 1;
  const bone = {
    from,
    depth,
    centre: new Float64Array(length),
    outer: new Float64Array(length),
    inner: new Float64Array(length),
    spongy: new Float64Array(length),
  };
  for (let i = 0; i < length; i++) {
    const { centre, outer, inner, spongy } = at(from + i * TABLE_STEP);
    bone.centre[i] = centre;
    bone.outer[i] = outer;
    bone.inner[i] = inner;
    bone.spongy[i] = spongy;
  }
  return bone;
}

/** A table's value at u, linear between its entries; the nearest one past its ends. */
export function lookUp(table: Float64Array, bone: Bone, u: number): number {
  const position = (u - bone.from) / TABLE_STEP;
  const i = Math.min(table.length - 2, Math.max(0, Math.floor(position)));
  const t = clamp(position - i);
  return table[i]! + (table[i + 1]! - table[i]!) * t;
}

export const clamp = (x: number): number => (x < 0 ? 0 : x > 1 ? 1 : x);
