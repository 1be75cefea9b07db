import { GeometryError } from "../errors.ts";
import { checkSizes } from "../plan.ts";
import type { ActivationType } from "../stored.ts";

export interface PoolSizes {
  /** Images, height, width and channels of x. */
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  /** Height and width of the window. */
  readonly kernel: number;
  /** Default: the kernel, as in torch. */
  readonly stride?: number;
  /** Rows and columns of minus infinity on each side. Default: 0. */
  readonly padding?: number;
  /** How x, y and their gradients are stored. Default: "f32". */
  readonly dtype?: ActivationType;
}

/** Pooling with square windows: x [n, h, w, c] -> y [n, outH, outW, c]. */
export interface PoolGeometry extends Required<PoolSizes> {
  readonly outH: number;
  readonly outW: number;
}

/** A tap's number fits a byte, with one to spare for "none". */
export const MOST_KERNEL = 15;

/** Checks the sizes and derives the output's, rounded down (torch's ceil_mode = False). Throws GeometryError. */
export function poolGeometry(sizes: PoolSizes): PoolGeometry {
  const { n, h, w, c, kernel, stride = kernel, padding = 0, dtype = "f32" } = sizes;
  checkSizes("pool", { n, h, w, c, kernel, stride });
  const shown = { x: [n, h, w, c], kernel, stride, padding };
  if (kernel > MOST_KERNEL) throw new GeometryError("pool", `the kernel must be ${MOST_KERNEL} at the most`, shown);
  if (!Number.isSafeInteger(padding) || padding < 0 || padding > kernel / 2) {
    throw new GeometryError("pool", "the padding must be from 0 to half the kernel", shown);
  }
  if (kernel > h + 2 * padding || kernel > w + 2 * padding) {
    throw new GeometryError("pool", "the kernel is larger than the padded image", shown);
  }
  const outH = Math.floor((h + 2 * padding - kernel) / stride) + 1;
  const outW = Math.floor((w + 2 * padding - kernel) / stride) + 1;
  return { n, h, w, c, kernel, stride, padding, dtype, outH, outW };
}

export const describePool = ({ n, h, w, c, kernel, stride, dtype }: PoolGeometry): string =>
  `${dtype === "f16" ? "f16 " : ""}${kernel}x${kernel}/${stride} [${n},${h},${w},${c}]`;
