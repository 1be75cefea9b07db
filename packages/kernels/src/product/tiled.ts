import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass, type Param, type PassDefinition } from "../plan.ts";

/**
 * A side of the product, as WGSL: `fn loadA(row: u32, k: u32, end: u32) -> vec4f` (or `loadB(column, k, end)`) gives four
 * elements from (row, k) on, in the direction in which they are neighbours in memory, with zeros outside of the matrix:
 * rows past params.m (columns past params.n), k past `end`.
 */
export interface TiledSide {
  readonly functions: string;
  /** The four elements follow each other along k, or along the rows of A (the columns of B). */
  readonly along: "k" | "outer";
}

export interface TiledGemm {
  readonly label: string;
  /** Sizes of the product, [m, k] x [k, n]. They are data: params.m, params.n, params.k. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Pieces of k with an output each; default 1. */
  readonly splits?: number;
  readonly bindings: PassDefinition["bindings"];
  readonly params?: Readonly<Record<string, Param>>;
  readonly a: TiledSide;
  readonly b: TiledSide;
  /** `fn store(row: u32, column: u32, split: u32, value: f32)`, called inside of the matrix only. */
  readonly store: string;
  /** 64 x 64 outputs a workgroup, or 128 x 128. */
  readonly tile: 64 | 128;
}

const THREADS = 256;
const DEPTH = 16;

/**
 * C = A B with both tiles in workgroup memory: 256 invocations, a square tile of outputs, 16 deep, 4 x 4 or 8 x 8 outputs an
 * invocation, everything f32. Against one output an invocation it reads each operand `tile` times less often.
 */
export function tiledGemmPass(gemm: TiledGemm, limits: DeviceLimits): KernelPass {
  const { tile, splits = 1 } = gemm;
  const side = tile / 16; // outputs of an invocation in either direction
  const quads = side / 4;
  const columns = ceilDiv(gemm.n, tile);
  const rows = ceilDiv(gemm.m, tile);
  const each = Array.from({ length: side }, (_, i) => i);
  const eachQuad = Array.from({ length: quads }, (_, q) => q);
  const fill = (name: "A" | "B", { along }: TiledSide) => {
    const array = `tile${name}`;
    const origin = name === "A" ? "row0" : "column0";
    const loads = (tile * DEPTH) / 4 / THREADS;
    return Array.from({ length: loads }, (_, load) => {
      const t = `(local + ${load * THREADS}u)`;
      if (along === "outer") {
        return `    ${array}[${t}] = load${name}(${origin} + ${t} % ${tile / 4}u * 4u, k0 + ${t} / ${tile / 4}u, end);`;
      }
      return `    {
      let outer = ${t} / ${DEPTH / 4}u;
      let k = ${t} % ${DEPTH / 4}u * 4u;
      let v = load${name}(${origin} + outer, k0 + k, end);
${[0, 1, 2, 3].map((i) => `      ${array}[(k + ${i}u) * ${tile / 4}u + outer / 4u][outer % 4u] = v[${i}];`).join("\n")}
    }`;
    }).join("\n");
  };
  return definePass({
    label: gemm.label,
    bindings: gemm.bindings,
    params: {
      m: { u32: gemm.m },
      n: { u32: gemm.n },
      k: { u32: gemm.k },
      chunk: { u32: ceilDiv(ceilDiv(gemm.k, splits), DEPTH) * DEPTH },
      rows: { u32: rows },
      columns: { u32: columns },
      splits: { u32: splits },
      ...gemm.params,
    },
    body: `${gemm.a.functions}
${gemm.b.functions}
${gemm.store}
var<workgroup> tileA: array<vec4f, ${(tile * DEPTH) / 4}>; // [k][row]
var<workgroup> tileB: array<vec4f, ${(tile * DEPTH) / 4}>; // [k][column]
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.rows * params.columns * params.splits) { return; }
  let column0 = group % params.columns * ${tile}u;
  let row0 = group / params.columns % params.rows * ${tile}u;
  let split = group / (params.columns * params.rows);
  let end = min(params.k, (split + 1u) * params.chunk);
  let mine = local / 16u; // which rows, and which columns, of the tile
  let yours = local % 16u;
${each.map((i) => eachQuad.map((q) => `  var acc${i}_${q} = vec4f();`).join("")).join("\n")}
  for (var k0 = split * params.chunk; k0 < end; k0 += ${DEPTH}u) {
${fill("A", gemm.a)}
${fill("B", gemm.b)}
    workgroupBarrier();
    for (var k = 0u; k < ${DEPTH}u; k++) {
${eachQuad.map((q) => `      let a${q} = tileA[k * ${tile / 4}u + ${q * 16}u + mine];\n      let b${q} = tileB[k * ${tile / 4}u + ${q * 16}u + yours];`).join("\n")}
${each.map((i) => eachQuad.map((q) => `      acc${i}_${q} += a${i >> 2}[${i % 4}] * b${q};`).join("")).join("\n")}
    }
    workgroupBarrier();
  }
${each
  .map((i) => {
    const row = `row0 + ${(i >> 2) * 64 + (i % 4)}u + mine * 4u`;
    return `  if (${row} < params.m) {
${eachQuad
  .map((q) =>
    [0, 1, 2, 3]
      .map(
        (j) =>
          `    if (column0 + ${q * 64 + j}u + yours * 4u < params.n) { store(${row}, column0 + ${q * 64 + j}u + yours * 4u, split, acc${i}_${q}[${j}]); }`,
      )
      .join("\n"),
  )
  .join("\n")}
  }`;
  })
  .join("\n")}
}`,
    workgroups: foldWorkgroups(rows * columns * splits, limits),
  });
}

/**
 * WGSL: the elements of `array` from the index `at`, four of them, with zeros in place of those past the first `inside`,
 * which is 1 or more. None of those is read: Dawn's bounds checks may be off.
 */
export function neighbours(array: string, at: string, inside: string): string {
  const further = [1, 2, 3].map((i) => `select(0.0, ${array}[${at} + min(${i}u, ${inside} - 1u)], ${i}u < ${inside})`);
  return `vec4f(${[`${array}[${at}]`, ...further].join(", ")})`;
}
