import { F32_READ, F32_WRITE } from "../elementwise/flat.ts";
import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass, type PassDefinition } from "../plan.ts";
import { epilogueCode, type EpilogueCode } from "./epilogue.ts";
import { gemmParams, ownTile, type FloatType, type Gemm, type ProductOutput, type ProductSide } from "./gemm.ts";
import { ownRows, tileMoments } from "./tileMoments.ts";

/** 64 x 64 outputs a workgroup, or 128 x 128. */
export type SquareTile = 64 | 128;

const THREADS = 256;
const DEPTH = 16;

/**
 * C = A B with both tiles in workgroup memory: 256 invocations, a square tile of outputs, 16 deep, 4 x 4 or 8 x 8 outputs an
 * invocation, the arithmetic f32. Against one output an invocation it reads each operand `tile` times less often.
 */
export function tiledGemmPass(gemm: Gemm, tile: SquareTile, limits: DeviceLimits): KernelPass {
  const { a, b, output, dtype, splits = 1 } = gemm;
  const code = epilogueCode(output.epilogue ?? null, output.array, output.dtype);
  const moments = output.epilogue?.kind === "statistics";
  if (moments && (output.bias || splits > 1))
    throw new GeometryError(gemm.label, "moments are taken of whole sums, without a bias", { splits });
  const side = tile / 16; // outputs of an invocation in either direction
  const quads = side / 4;
  const columns = ceilDiv(gemm.n, tile);
  const rows = ceilDiv(gemm.m, tile);
  const each = Array.from({ length: side }, (_, i) => i);
  const eachQuad = Array.from({ length: quads }, (_, q) => q);
  const fill = (name: "A" | "B", { along }: ProductSide) => {
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
    ...(dtype === "f16" || output.dtype === "f16" ? { enables: ["enable f16;"] } : {}),
    bindings: {
      [a.array]: quadRead(a, dtype),
      [b.array]: quadRead(b, dtype),
      ...(output.bias ? { bias: F32_READ } : {}),
      ...code.bindings,
      [output.array]: output.dtype === "f32" ? F32_WRITE : { type: "array<f16>", access: "read_write" },
    },
    params: { ...gemmParams(gemm, DEPTH, rows, columns), ...code.params },
    body: `${loader("A", a, dtype)}
${loader("B", b, dtype)}
${storer(output, code)}
${moments ? ownRows(tile) : ""}var<workgroup> tileA: array<vec4f, ${(tile * DEPTH) / 4}>; // [k][row]
var<workgroup> tileB: array<vec4f, ${(tile * DEPTH) / 4}>; // [k][column]
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) local: u32) {
${ownTile(tile, tile)}
  let mine = local / 16u; // which rows, and which columns, of the tile
  let yours = local % 16u;
${each.map((i) => eachQuad.map((q) => `  var acc${i}_${q} = vec4f();`).join("")).join("\n")}
  for (var k0 = split * params.chunk; k0 < end; k0 += ${DEPTH}u) {
${fill("A", a)}
${fill("B", b)}
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
  .join("\n")}${moments ? `\n${tileMoments(tile)}` : ""}
}`,
    workgroups: foldWorkgroups(rows * columns * splits, limits),
  });
}

/** An array that is read four elements at a time: one vector load where its runs allow it. */
const quadRead = ({ run }: ProductSide, dtype: FloatType): PassDefinition["bindings"][string] => ({
  type: run % 4 === 0 ? `array<${dtype === "f32" ? "vec4f" : "vec4<f16>"}>` : `array<${dtype}>`,
  access: "read",
});

/**
 * `fn loadA(row: u32, k: u32, end: u32) -> vec4f` (or `loadB(column, k, end)`): four elements from (row, k) on, in the
 * direction in which they are neighbours, with zeros outside of the matrix and past `end`.
 */
function loader(name: "A" | "B", side: ProductSide, dtype: FloatType): string {
  const { array, along, run, outer, k, fixed, at, inside } = side;
  const vector = run % 4 === 0;
  const args = `${outer}: u32, ${k}: u32, end: u32`;
  const known = side.inlined ? fixed : Object.fromEntries(Object.keys(fixed).map((key) => [key, key]));
  const find = (zero: string): string =>
    [
      `if (${outer} >= ${side.limit} || ${k} >= end) { return ${zero}; }`,
      ...(side.inlined ? [] : Object.entries(fixed).map(([key, value]) => `let ${key} = ${value};`)),
      ...side.find(known, k, zero),
    ]
      .map((line) => `  ${line}\n`)
      .join("");
  const one = (element: string): string => (dtype === "f32" ? element : `f32(${element})`);
  const four = (element: string): string => (dtype === "f32" ? element : `vec4f(${element})`);
  if (inside !== null) {
    const read = vector ? four(`${array}[(${at}) / 4u]`) : neighbours(array, at, inside, one);
    return `fn load${name}(${args}) -> vec4f {\n${find("vec4f()")}  return ${read};\n}`;
  }
  if (vector)
    return `fn load${name}(${args}) -> vec4f {\n${find("vec4f()")}  return ${four(`${array}[${at} / 4u]`)};\n}`;
  const place = (i: number): string => (along === "k" ? `${outer}, ${k} + ${i}u` : `${outer} + ${i}u, ${k}`);
  const each = [0, 1, 2, 3].map((i) => `load${name}One(${place(i)}, end)`).join(", ");
  return `fn load${name}One(${args}) -> f32 {\n${find("0.0")}  return ${one(`${array}[${at}]`)};\n}
fn load${name}(${args}) -> vec4f { return vec4f(${each}); }`;
}

/** `fn store(row: u32, column: u32, split: u32, value: f32)`, called inside of the matrix only. */
function storer({ array, dtype, find, at, bias, epilogue = null }: ProductOutput, code: EpilogueCode): string {
  const sum = `value${bias ? " + bias[column]" : ""}`;
  const plain = epilogue === null || epilogue.kind === "statistics";
  const value = plain ? sum : code.value(sum, "place", "");
  const write = `${array}[${plain ? at : "place"}] = ${dtype === "f32" ? value : `f16(${value})`};`;
  const store = plain ? write : `let place = ${at}; ${code.perColumn("column", "")} ${write}`;
  const head = `${code.functions}fn store(row: u32, column: u32, split: u32, value: f32) {`;
  return find.length === 0
    ? `${head} ${store} }`
    : `${head}\n${[...find, store].map((line) => `  ${line}\n`).join("")}}`;
}

/**
 * WGSL: the elements of `array` from the index `at`, four of them, with zeros in place of those past the first `inside`,
 * which is 1 or more. None of those is read: Dawn's bounds checks may be off.
 */
function neighbours(array: string, at: string, inside: string, one: (element: string) => string): string {
  const further = [1, 2, 3].map(
    (i) => `select(0.0, ${one(`${array}[${at} + min(${i}u, ${inside} - 1u)]`)}, ${i}u < ${inside})`,
  );
  return `vec4f(${[one(`${array}[${at}]`), ...further].join(", ")})`;
}
