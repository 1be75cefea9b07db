// The parts of a kernel case as plain data that every side is given: sizes, type, and the cost that rates are made of.
import { BOTTLENECKS } from "./model.mjs";

const BYTES = { f32: 4, f16: 2 };

/** y [m, n] = a [m, k] b [k, n] */
export const gemmPart = (size, dtype) => ({
  name: `${size} x ${size} x ${size}`,
  op: "gemm",
  m: size,
  n: size,
  k: size,
  dtype,
  flop: 2 * size ** 3,
});

/** to = from */
export const copyPart = (bytes) => ({ name: `${bytes / 2 ** 20} MiB`, op: "copy", size: bytes, bytes: 2 * bytes });

/**
 * relu(batchNorm(x)) in training mode and its backward pass. Each direction must read its operands twice, for a sum over them
 * comes first: x, x, y, and dy, x, dy, x, dx: eight tensors moved.
 */
export const normPart = (n, size, c, dtype) => ({
  name: `[${n},${size},${size},${c}]`,
  op: "norm",
  n,
  h: size,
  w: size,
  c,
  dtype,
  bytes: 8 * n * size * size * c * BYTES[dtype],
});

export const CONV_PRODUCTS = ["forward", "gradInput", "gradWeight"];

/** The distinct convolutions of ResNet-50, each with its three products (of the first no gradient of the pictures). */
export function convParts(size, batch, dtype) {
  const layers = new Map();
  const add = (h, c, k, r, stride) => {
    const g = { n: batch, h, w: h, c, k, r, stride, padding: (r - 1) / 2 };
    layers.set(`${r}x${r}/${stride} ${h}x${h} ${c} -> ${k}`, g);
  };
  add(size, 3, 64, 7, 2);
  let h = Math.ceil(size / 4);
  for (const { stride, projected, inPlanes, planes, outPlanes } of BOTTLENECKS) {
    add(h, inPlanes, planes, 1, 1);
    add(h, planes, planes, 3, stride);
    if (projected) add(h, inPlanes, outPlanes, 1, stride);
    h = Math.ceil(h / stride);
    add(h, planes, outPlanes, 1, 1);
  }
  return [...layers].flatMap(([layer, g]) =>
    CONV_PRODUCTS.filter((product) => g.c > 3 || product !== "gradInput").map((product) => {
      const out = Math.ceil(g.h / g.stride);
      const flop = 2 * g.n * out * out * g.k * g.c * g.r * g.r;
      return { name: `${layer} ${product}`, op: "conv", product, ...g, out, dtype, flop };
    }),
  );
}
