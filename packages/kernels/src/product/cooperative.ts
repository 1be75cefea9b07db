import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";
import {
  biasRead,
  chunkEpilogue,
  chunkLoader,
  chunkRead,
  chunkStore,
  chunkWrite,
  isPlaced,
} from "./cooperativeLoaders.ts";
import { addMoments, momentChunks, momentFunctions, momentVariables, writeMoments } from "./cooperativeMoments.ts";
import { gemmParams, ownTile, type Gemm, type ProductSide } from "./gemm.ts";
import { CHUNK, tileSizes, type CooperativeTile, type MatrixUnit } from "./matrices.ts";
import { range } from "./lanes.ts";

/** A side's tile in shared memory, in chunks of 16 bytes. */
interface SharedTile {
  readonly name: "A" | "B";
  readonly side: ProductSide;
  /** The first chunk. */
  readonly base: number;
  /** Chunks of a row, and from a row to the next. Rows are along the direction of neighbours. */
  readonly perRow: number;
  readonly pitch: number;
  readonly chunks: number;
  /** Loads of an invocation. */
  readonly loads: readonly number[];
}

/** Where tiles and results lie in a workgroup's memory, in chunks of 16 bytes. */
interface SharedLayout {
  readonly a: SharedTile;
  readonly b: SharedTile;
  /** Matrices that a subgroup stores side by side at the end, and the chunks from a row of them to the next. */
  readonly staged: number;
  readonly stagePitch: number;
  readonly length: number;
}

function layoutOf({ a, b }: Pick<Gemm, "a" | "b">, unit: MatrixUnit, tile: CooperativeTile): SharedLayout {
  const { rows, columns, depth, threads } = tileSizes(unit, tile);
  const { skew = CHUNK, subgroups, matrices } = tile;
  const shared = (name: "A" | "B", side: ProductSide, outer: number, base: number): SharedTile => {
    const perRow = (side.along === "k" ? depth : outer) / CHUNK;
    const chunks = (outer * depth) / CHUNK;
    return { name, side, base, perRow, pitch: perRow + skew / CHUNK, chunks, loads: range(ceilDiv(chunks, threads)) };
  };
  const size = ({ chunks, perRow, pitch }: SharedTile): number => (chunks / perRow) * pitch;
  const tileA = shared("A", a, rows, 0);
  const tileB = shared("B", b, columns, size(tileA));
  const tiles = size(tileA) + size(tileB);
  // The sums leave through the memory of the tiles, as f32, as many at once as fit there, with 16 bytes between rows.
  const pitchOf = (count: number): number => (count * unit.N) / 4 + 1;
  const stage = (count: number): number => subgroups[0] * subgroups[1] * unit.M * pitchOf(count);
  const staged =
    range(matrices[1])
      .map((i) => matrices[1] - i)
      .find((count) => matrices[1] % count === 0 && stage(count) <= tiles) ?? 1;
  return {
    a: tileA,
    b: tileB,
    staged,
    stagePitch: pitchOf(staged),
    length: Math.max(tiles, stage(staged), momentChunks(unit, tile)),
  };
}

/** True where a device's workgroups are large enough for a tile, whichever way its sides lie. */
export function cooperativeFits(
  gemm: Pick<Gemm, "a" | "b">,
  unit: MatrixUnit,
  tile: CooperativeTile,
  limits: DeviceLimits,
): boolean {
  return (
    tileSizes(unit, tile).threads <= limits.maxInvocationsPerWorkgroup &&
    layoutOf(gemm, unit, tile).length * 16 <= limits.maxWorkgroupStorageBytes
  );
}

/**
 * C = A B on subgroup matrices (tensor cores): f16 operands, f32 sums. Both tiles lie in workgroup memory as they lie in the
 * arrays, written 16 bytes at a time; which way round they are is told to the matrix loads. Zeros outside of the matrices are
 * put there when the tiles are filled, so that the multiplications know no edge, and the sums leave through workgroup
 * memory, where bias, conversion and edges are dealt with. After Jeff Bolz's sample for VK_KHR_cooperative_matrix. Against
 * `tiledGemmPass` it does a matrix's multiply-adds in an instruction, and halves the bytes.
 */
export function cooperativeGemmPass(
  gemm: Gemm,
  unit: MatrixUnit,
  tile: CooperativeTile,
  limits: DeviceLimits,
): KernelPass {
  const { output, dtype, splits = 1 } = gemm;
  if (dtype !== "f16") throw new GeometryError(gemm.label, "subgroup matrices take f16 operands", { dtype });
  const code = chunkEpilogue(output);
  const moments = output.epilogue?.kind === "statistics";
  if (moments && (output.bias || splits > 1))
    throw new GeometryError(gemm.label, "moments are taken of whole sums, without a bias", { splits });
  const { rows, columns, depth, threads } = tileSizes(unit, tile);
  const { subgroups, matrices, steps, prefetch = true } = tile;
  const layout = layoutOf(gemm, unit, tile);
  const tiles = [layout.a, layout.b];
  const [tileRows, tileColumns] = [ceilDiv(gemm.m, rows), ceilDiv(gemm.n, columns)];
  const [down, across] = [range(matrices[0]), range(matrices[1])];
  const sums = `subgroup_matrix_result<f32, ${unit.N}, ${unit.M}>`;
  const text = (parts: readonly string[]): string => parts.join("\n");

  const multiply = (step: number): string[] => {
    const load = ({ name, side, base, pitch }: SharedTile, index: number): string => {
      const [own, matrix, size] =
        name === "A" ? (["ownRow", "left", unit.M] as const) : (["ownColumn", "right", unit.N] as const);
      const shape = name === "A" ? `${unit.K}, ${unit.M}` : `${unit.N}, ${unit.K}`;
      const outer = `${own} + ${index * size}u`;
      const along = side.along === "k";
      const offset = along
        ? `(${outer}) * ${pitch}u + ${base + (step * unit.K) / CHUNK}u`
        : `(${outer}) / ${CHUNK}u + ${base + step * unit.K * pitch}u`;
      const order = along === (name === "A") ? "row_major" : "col_major";
      return `    let ${name.toLowerCase()}${step}_${index} = subgroupMatrixLoad<subgroup_matrix_${matrix}<f16, ${shape}>, ${order}>(&shared_, ${offset}, ${pitch}u);`;
    };
    return [
      ...across.map((j) => load(layout.b, j)),
      ...down.flatMap((i) => [
        load(layout.a, i),
        ...across.map(
          (j) => `    sum${i}_${j} = subgroupMatrixMultiplyAccumulate(a${step}_${i}, b${step}_${j}, sum${i}_${j});`,
        ),
      ]),
    ];
  };

  return definePass({
    label: gemm.label,
    enables: ["enable f16;", "enable subgroups;", "enable chromium_experimental_subgroup_matrix;"],
    bindings: {
      [gemm.a.array]: chunkRead(gemm.a),
      [gemm.b.array]: chunkRead(gemm.b),
      ...(output.bias ? { bias: biasRead(output) } : {}),
      ...code.bindings,
      [output.array]: chunkWrite(output),
    },
    params: { ...gemmParams(gemm, depth, tileRows, tileColumns), ...code.params },
    body: `${chunkLoader("A", gemm.a, depth)}
${chunkLoader("B", gemm.b, depth)}
${chunkStore(output, code)}
var<workgroup> shared_: array<vec4<u32>, ${layout.length}>; // A, B; then sums
${moments ? momentFunctions(layout.stagePitch) : ""}@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) local: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
${ownTile(rows, columns)}
  let ownRow = subgroup / ${subgroups[1]}u * ${matrices[0] * unit.M}u; // of the tile, of a subgroup
  let ownColumn = subgroup % ${subgroups[1]}u * ${matrices[1] * unit.N}u;
${text(tiles.flatMap((shared) => shared.loads.map((load) => placeOf(shared, load, threads))))}
${text(down.map((i) => across.map((j) => `  var sum${i}_${j}: ${sums};`).join("")))}
  var k0 = split * params.chunk;
${prefetch ? text(tiles.flatMap((shared) => shared.loads.map((load) => `  var ${fetch(shared, load, "k0")}`))) : ""}
  for (; k0 < end; k0 += ${depth}u) {
${text(tiles.flatMap((shared) => shared.loads.map((load) => fill(shared, load, threads, prefetch))))}
    workgroupBarrier();
${prefetch ? text(tiles.flatMap((shared) => shared.loads.map((load) => `    ${fetch(shared, load, `k0 + ${depth}u`)}`))) : ""}
${text(range(steps).flatMap(multiply))}
    workgroupBarrier();
  }
${moments ? momentVariables(matrices[1] / layout.staged, layout.staged, unit) : ""}${stageOut(layout, unit, tile, moments)}${moments ? `\n${writeMoments(layout.staged, unit, tile)}` : ""}
}`,
    workgroups: foldWorkgroups(tileRows * tileColumns * splits, limits),
  });
}

/** Where chunk `load` of an invocation comes from, and where it goes: computed once. */
function placeOf({ name, side, base, perRow, pitch }: SharedTile, load: number, threads: number): string {
  const id = `${name}${load}`;
  const t = load === 0 ? "local" : `(local + ${load * threads}u)`;
  const origin = name === "A" ? "row0" : "column0";
  const [major, minor] = [`${t} / ${perRow}u`, `${t} % ${perRow}u`];
  const [outer, k] = side.along === "k" ? [major, `${minor} * ${CHUNK}u`] : [`${minor} * ${CHUNK}u`, major];
  return `  let outer${id} = ${origin} + ${outer};
  let k${id} = ${k};
  let to${id} = ${base}u + ${major} * ${pitch}u + ${minor};${isPlaced(side) ? `\n  let place${id} = place${name}(outer${id});` : ""}`;
}

/** Reads a chunk of the tile that begins at k0 into a register. Past the end nothing is read. */
function fetch({ name, side }: SharedTile, load: number, k0: string): string {
  const id = `${name}${load}`;
  return `next${id} = load${name}(outer${id}, ${isPlaced(side) ? `place${id}, ` : ""}${k0}, ${k0} + k${id}, end);`;
}

function fill(shared: SharedTile, load: number, threads: number, prefetch: boolean): string {
  const id = `${shared.name}${load}`;
  const store = `${prefetch ? "" : `let ${fetch(shared, load, "k0")} `}shared_[to${id}] = next${id};`;
  // The last chunk of some invocations may lie past the tile.
  return (load + 1) * threads <= shared.chunks
    ? `    ${prefetch ? store : `{ ${store} }`}`
    : `    if (local < ${shared.chunks - load * threads}u) { ${store} }`;
}

/** Sums -> workgroup memory -> the result, some matrices of a subgroup at a time. */
function stageOut(
  { staged, stagePitch }: SharedLayout,
  unit: MatrixUnit,
  { matrices }: CooperativeTile,
  moments: boolean,
): string {
  const { M, N, lanes } = unit;
  const perRow = (staged * N) / CHUNK;
  const stage = `subgroup * ${M * stagePitch}u`;
  const out = (i: number, j: number): string => `${range(staged)
    .map(
      (s) =>
        `  subgroupMatrixStore<row_major>(&shared_, ${stage} + ${(s * N) / 4}u, sum${i}_${j + s}, ${stagePitch}u);`,
    )
    .join("\n")}
  workgroupBarrier();
  for (var t = lane; t < ${M * perRow}u; t += ${lanes}u) {
    let source = ${stage} + t / ${perRow}u * ${stagePitch}u + t % ${perRow}u * 2u;
    let row = row0 + ownRow + ${i * M}u + t / ${perRow}u;
    let column = column0 + ownColumn + ${j * N}u + t % ${perRow}u * ${CHUNK}u;
    if (row < params.m && column < params.n) { store(row, column, split, bitcast<vec4f>(shared_[source]), bitcast<vec4f>(shared_[source + 1u])); }
  }
${moments ? `${addMoments(i, j / staged, staged, stage, unit)}\n` : ""}  workgroupBarrier();`;
  return range(matrices[0])
    .flatMap((i) => range(matrices[1] / staged).map((j) => out(i, j * staged)))
    .join("\n");
}
