import type { PoolGeometry } from "./geometry.ts";

/** Max pooling by torch's loop, in f64: y, and each maximum's index in x. */
export function maxPoolReference(g: PoolGeometry, x: ArrayLike<number>): { y: Float64Array; indices: Uint32Array } {
  const { n, h, w, c, kernel, stride, padding, outH, outW } = g;
  const y = new Float64Array(n * outH * outW * c);
  const indices = new Uint32Array(y.length);
  for (let i = 0; i < y.length; i++) {
    const [channel, column, row] = [i % c, Math.floor(i / c) % outW, Math.floor(i / c / outW) % outH];
    const image = Math.floor(i / c / outW / outH);
    let best = -1;
    for (let r = Math.max(0, row * stride - padding); r < Math.min(h, row * stride - padding + kernel); r++) {
      for (let s = Math.max(0, column * stride - padding); s < Math.min(w, column * stride - padding + kernel); s++) {
        const at = ((image * h + r) * w + s) * c + channel;
        if (best < 0 || x[at]! > x[best]! || Number.isNaN(x[at]!)) best = at;
      }
    }
    y[i] = x[best]!;
    indices[i] = best;
  }
  return { y, indices };
}

/** The gradient of max pooling in f64. */
export function maxPoolBackwardReference(size: number, indices: Uint32Array, dy: ArrayLike<number>): Float64Array {
  const dx = new Float64Array(size);
  indices.forEach((at, i) => (dx[at]! += dy[i]!));
  return dx;
}

/** The mean over `pixels` of [n, pixels, c] in f64. */
export function globalAveragePoolReference(x: ArrayLike<number>, n: number, pixels: number, c: number): Float64Array {
  const y = new Float64Array(n * c);
  for (let i = 0; i < x.length; i++) y[Math.floor(i / (pixels * c)) * c + (i % c)]! += x[i]! / pixels;
  return y;
}
