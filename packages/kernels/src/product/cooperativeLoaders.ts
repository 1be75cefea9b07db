import type { PassDefinition } from "../plan.ts";
import { epilogueCode, type EpilogueCode } from "./epilogue.ts";
import type { ProductOutput, ProductSide } from "./gemm.ts";
import { CHUNK } from "./matrices.ts";

type Binding = PassDefinition["bindings"][string];

const whole = (size: number): boolean => size % CHUNK === 0;
const each = Array.from({ length: CHUNK }, (_, i) => i);

/** An array of f16, bound as 16 bytes an element where its runs allow it. */
export const chunkRead = ({ run }: ProductSide): Binding => ({
  type: whole(run) ? "array<vec4<u32>>" : "array<f16>",
  access: "read",
});

/** The result, bound likewise. */
export const chunkWrite = ({ dtype, width }: ProductOutput): Binding => {
  const vector = dtype === "f16" ? "vec4<u32>" : "vec4f";
  return { type: `array<${whole(width) ? vector : dtype}>`, access: "read_write" };
};

export const biasRead = ({ width }: ProductOutput): Binding => ({
  type: whole(width) ? "array<vec4f>" : "array<f32>",
  access: "read",
});

/** True where a loader takes what depends on the outer index alone from `placeA(row)`, computed once before the loop over k. */
export const isPlaced = ({ run, fixed }: ProductSide): boolean => whole(run) && Object.keys(fixed).length > 0;

const lines = (statements: readonly string[]): string => statements.map((line) => `  ${line}\n`).join("");

/**
 * `fn loadA(row, place, k0, k, end) -> vec4<u32>` (without `place` where `isPlaced` is false): eight f16 from (row, k) on, in the
 * direction in which they are neighbours, zeros outside of the matrix and past `end`. k0 is the first k of the tile.
 */
export function chunkLoader(name: "A" | "B", side: ProductSide, depth: number): string {
  const { array, along, run, outer, k, fixed, limit, at } = side;
  const names = Object.keys(fixed);
  const guard = (zero: string): string => `if (${outer} >= ${limit} || ${k} >= end) { return ${zero}; }`;
  const known = Object.fromEntries(names.map((key) => [key, key]));
  if (whole(run)) {
    // A tile that lies within one filter tap: the tap is the same for all invocations.
    const tap = along === "k" && run % depth === 0 ? "k0" : k;
    const places = [...Object.values(fixed), "0u", "0u"].slice(0, 3).join(", ");
    const placed = isPlaced(side);
    const axes = ["x", "y", "z"];
    const place = placed ? `fn place${name}(${outer}: u32) -> vec3u { return vec3u(${places}); }\n` : "";
    return `${place}fn load${name}(${outer}: u32, ${placed ? "place: vec3u, " : ""}k0: u32, ${k}: u32, end: u32) -> vec4<u32> {
${lines([
  guard("vec4<u32>()"),
  ...names.map((key, i) => `let ${key} = place.${axes[i]};`),
  ...side.find(known, tap, "vec4<u32>()"),
])}  return ${array}[(${at}) / ${CHUNK}u];
}`;
  }
  const one = (i: number): string =>
    `load${name}One(${along === "k" ? `${outer}, ${k} + ${i}u` : `${outer} + ${i}u, ${k}`}, end)`;
  const quad = (from: number): string =>
    `bitcast<vec2<u32>>(vec4<f16>(${each
      .slice(from, from + 4)
      .map(one)
      .join(", ")}))`;
  return `fn load${name}One(${outer}: u32, ${k}: u32, end: u32) -> f16 {
${lines([
  guard("0.0h"),
  ...Object.entries(fixed).map(([key, value]) => `let ${key} = ${value};`),
  ...side.find(known, k, "0.0h"),
])}  return ${array}[${at}];
}
fn load${name}(${outer}: u32, k0: u32, ${k}: u32, end: u32) -> vec4<u32> { return vec4<u32>(${quad(0)}, ${quad(4)}); }`;
}

/** The epilogue of a result, for vec4s of neighbours where it is bound so. */
export const chunkEpilogue = ({ epilogue = null, array, dtype, width }: ProductOutput): EpilogueCode =>
  epilogueCode(epilogue, array, dtype, whole(width) ? 4 : 1);

/** `fn store(row, column, split, low: vec4f, high: vec4f)`: eight neighbours of the result, the first of them inside of the matrix. */
export function chunkStore(output: ProductOutput, code: EpilogueCode): string {
  const { array, dtype, width, find, at, bias, epilogue } = output;
  const head = `${code.functions}fn store(row: u32, column: u32, split: u32, low: vec4f, high: vec4f) {`;
  const body = (statements: readonly string[]): string =>
    `${head}\n${lines([...find, `let at = ${at};`, ...statements.filter((line) => line !== "")])}}`;
  if (!whole(width)) {
    return body(
      each.map((i) => {
        const sum = `${i < 4 ? "low" : "high"}[${i % 4}]${bias ? ` + bias[column + ${i}u]` : ""}`;
        const value = code.value(sum, `at + ${i}u`, String(i));
        const store = `${array}[at + ${i}u] = ${dtype === "f16" ? `f16(${value})` : value};`;
        const constants = code.perColumn(`column + ${i}u`, String(i));
        return `if (column + ${i}u < params.n) { ${constants}${constants && " "}${store} }`;
      }),
    );
  }
  const [low, high] = bias ? ["low + bias[column / 4u]", "high + bias[column / 4u + 1u]"] : ["low", "high"];
  const constants = [code.perColumn("column / 4u", "0"), code.perColumn("column / 4u + 1u", "1")];
  if (dtype === "f32") {
    const values = [code.value(low!, "at / 4u", "0"), code.value(high!, "at / 4u + 1u", "1")];
    return body([...constants, `${array}[at / 4u] = ${values[0]};`, `${array}[at / 4u + 1u] = ${values[1]};`]);
  }
  const target = `${array}[at / ${CHUNK}u]`;
  const halves = (one: string, other: string): string =>
    `vec4<u32>(${[one, other].map((four) => `bitcast<vec2<u32>>(vec4<f16>(${four}))`).join(", ")})`;
  if (epilogue?.kind === "accumulate") {
    // The result is bound as words, for 16 bytes at once.
    const [one, other] = ["xy", "zw"].map((two) => `vec4f(bitcast<vec4<f16>>(before.${two}))`);
    return body([`let before = ${target};`, `${target} = ${halves(`${one} + ${low}`, `${other} + ${high}`)};`]);
  }
  return body([
    ...constants,
    `${target} = ${halves(code.value(low!, "at / 4u", "0"), code.value(high!, "at / 4u + 1u", "1"))};`,
  ]);
}
