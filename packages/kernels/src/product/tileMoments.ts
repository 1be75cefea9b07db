import { range } from "./lanes.ts";

/**
 * WGSL at the end of `tiledGemmPass`, whose workgroup has 16 x 16 invocations with `tile / 16` rows and columns of sums each:
 * mean and sum of squared deviations of each column's rows in the tile, into `partials` [tiles, 2, n]. An invocation's sums
 * are taken less the first of them, so that a large mean rounds nothing; the 16 that share a column are merged by Chan's
 * formula, in the memory that the operands' tiles have left.
 */
export function tileMoments(tile: 64 | 128): string {
  const rows = range(tile / 16);
  const quads = range(tile / 64);
  const row = (i: number): string => `row0 + ${(i >> 2) * 64 + (i % 4)}u + mine * 4u < params.m`;
  const of = (q: number): string => `  {
    var count = 0.0;
    var sum = vec4f();
${rows.map((i) => `    if (${row(i)}) { count += 1.0; sum += acc${i}_${q} - acc0_${q}; }`).join("\n")}
    let mean = acc0_${q} + sum / max(count, 1.0);
    var squares = vec4f();
${rows.map((i) => `    if (${row(i)}) { let d = acc${i}_${q} - mean; squares += d * d; }`).join("\n")}
    tileA[mine * ${tile / 4}u + ${q * 16}u + yours] = mean;
    tileB[mine * ${tile / 4}u + ${q * 16}u + yours] = squares;
  }`;
  return `${quads.map(of).join("\n")}
  workgroupBarrier();
  if (local < ${tile}u && column0 + local < params.n) {
    let quad = local / 4u;
    let lane = local % 4u;
    let rows = i32(min(params.m - row0, ${tile}u));
    let first = tileA[quad][lane];
    var shifts = 0.0;
    for (var w = 0; w < 16; w++) { shifts += ownRows(rows, w) * (tileA[u32(w) * ${tile / 4}u + quad][lane] - first); }
    let mean = first + shifts / f32(rows);
    var squares = 0.0;
    for (var w = 0; w < 16; w++) {
      let d = tileA[u32(w) * ${tile / 4}u + quad][lane] - mean;
      squares += tileB[u32(w) * ${tile / 4}u + quad][lane] + ownRows(rows, w) * d * d;
    }
    let to = row0 / ${tile}u * 2u * params.n + column0 + local;
    partials[to] = mean;
    partials[to + params.n] = squares;
  }`;
}

/** WGSL that it calls: the rows of the tile's first `rows` that invocation w of a column has. */
export const ownRows = (tile: 64 | 128): string =>
  `fn ownRows(rows: i32, w: i32) -> f32 { return f32(${range(tile / 64)
    .map((block) => `clamp(rows - w * 4 - ${block * 64}, 0, 4)`)
    .join(" + ")}); }\n`;
