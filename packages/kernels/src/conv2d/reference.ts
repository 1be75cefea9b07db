import type { Conv2dGeometry } from "./geometry.ts";

/** Calls `visit` with the flat indices (x, w, y) of every product of the convolution that doesn't meet the padding. */
function eachProduct(g: Conv2dGeometry, visit: (x: number, w: number, y: number) => void): void {
  for (let n = 0; n < g.n; n++)
    for (let oh = 0; oh < g.outH; oh++)
      for (let ow = 0; ow < g.outW; ow++)
        for (let r = 0; r < g.r; r++) {
          const h = oh * g.strideH + r - g.padH;
          if (h < 0 || h >= g.h) continue;
          for (let s = 0; s < g.s; s++) {
            const w = ow * g.strideW + s - g.padW;
            if (w < 0 || w >= g.w) continue;
            for (let k = 0; k < g.k; k++)
              for (let c = 0; c < g.c; c++)
                visit(
                  ((n * g.h + h) * g.w + w) * g.c + c,
                  ((k * g.r + r) * g.s + s) * g.c + c,
                  ((n * g.outH + oh) * g.outW + ow) * g.k + k,
                );
          }
        }
}

/** y = x * w + bias in f64, the padding zero: the oracle of the forward plans. */
export function conv2dForwardReference(
  g: Conv2dGeometry,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  bias?: ArrayLike<number>,
): Float64Array {
  const y = new Float64Array(g.n * g.outH * g.outW * g.k);
  if (bias) for (let i = 0; i < y.length; i++) y[i] = bias[i % g.k]!;
  eachProduct(g, (ix, iw, iy) => (y[iy] = y[iy]! + x[ix]! * w[iw]!));
  return y;
}

/** dL/dx in f64, from dy = dL/dy. */
export function conv2dGradInputReference(g: Conv2dGeometry, dy: ArrayLike<number>, w: ArrayLike<number>): Float64Array {
  const dx = new Float64Array(g.n * g.h * g.w * g.c);
  eachProduct(g, (ix, iw, iy) => (dx[ix] = dx[ix]! + dy[iy]! * w[iw]!));
  return dx;
}

/** dL/dw in f64, from dy = dL/dy. */
export function conv2dGradWeightReference(
  g: Conv2dGeometry,
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
): Float64Array {
  const dw = new Float64Array(g.k * g.r * g.s * g.c);
  eachProduct(g, (ix, iw, iy) => (dw[iw] = dw[iw]! + x[ix]! * dy[iy]!));
  return dw;
}
