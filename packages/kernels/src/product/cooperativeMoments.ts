import { range } from "./lanes.ts";
import { tileSizes, type CooperativeTile, type MatrixUnit } from "./matrices.ts";

// Mean and sum of squared deviations of each column's rows in the tile, into `partials` [tiles, 2, n], beside the sums that
// leave through workgroup memory: of a matrix's rows by its lanes, less the first of them, so that a large mean rounds nothing;
// of a subgroup's matrices, and then of the subgroups, by Chan's formula.

/** Columns of the staged matrices that a lane takes. */
const perLane = (staged: number, { N, lanes }: MatrixUnit): number[] => range(Math.ceil((staged * N) / lanes));

/** What the kernel calls. `stagePitch`: chunks from a staged row to the next. */
export const momentFunctions = (stagePitch: number): string =>
  `fn momentsOf(start: u32, component: u32, rows: u32) -> vec2f {
  let first = bitcast<f32>(shared_[start][component]);
  var sum = 0.0;
  for (var r = 1u; r < rows; r++) { sum += bitcast<f32>(shared_[start + r * ${stagePitch}u][component]) - first; }
  let shift = sum / f32(max(rows, 1u));
  var squares = 0.0;
  for (var r = 0u; r < rows; r++) {
    let d = bitcast<f32>(shared_[start + r * ${stagePitch}u][component]) - first - shift;
    squares += d * d;
  }
  return vec2f(first + shift, squares);
}
fn merged(one: vec2f, ones: u32, other: vec2f, others: u32) -> vec2f {
  if (others == 0u) { return one; }
  let d = other.x - one.x;
  let share = f32(others) / f32(ones + others);
  return vec2f(one.x + d * share, one.y + other.y + d * d * f32(ones) * share);
}
fn rowsFrom(row: u32, most: u32) -> u32 { return min(params.m - min(row, params.m), most); }
`;

/** The moments of a subgroup's columns, those of each stage across and lane. */
export const momentVariables = (stages: number, staged: number, unit: MatrixUnit): string =>
  range(stages)
    .map((j) => perLane(staged, unit).map((c) => `  var moments${j}_${c} = vec2f();\n`))
    .flat()
    .join("");

/** Adds the staged matrices, i down and stage j across, of a subgroup whose stage begins at chunk `stage`. */
export function addMoments(i: number, j: number, staged: number, stage: string, unit: MatrixUnit): string {
  const { M, N, lanes } = unit;
  const each = perLane(staged, unit).map((c) => {
    const moments = `moments${j}_${c}`;
    const text = `${moments} = merged(${moments}, rowsFrom(row0 + ownRow, ${i * M}u), momentsOf(${stage} + c / 4u, c % 4u, rows), rows);`;
    const column = `let c = lane + ${c * lanes}u;`;
    return (c + 1) * lanes <= staged * N
      ? `    { ${column} ${text} }`
      : `    { ${column} if (c < ${staged * N}u) { ${text} } }`;
  });
  return `  {
    let rows = rowsFrom(row0 + ownRow + ${i * M}u, ${M}u);
${each.join("\n")}
  }`;
}

/** Chunks of workgroup memory that `writeMoments` needs. */
export const momentChunks = (unit: MatrixUnit, tile: CooperativeTile): number =>
  tile.subgroups[0] * tileSizes(unit, tile).columns;

/** Merges the subgroups' moments, and writes them. */
export function writeMoments(staged: number, unit: MatrixUnit, tile: CooperativeTile): string {
  const { rows, columns, threads } = tileSizes(unit, tile);
  const { subgroups, matrices } = tile;
  const { M, N, lanes } = unit;
  const own = range(matrices[1] / staged).flatMap((j) =>
    perLane(staged, unit).map((c) => {
      const within = `lane + ${c * lanes}u`;
      const text = `shared_[subgroup / ${subgroups[1]}u * ${columns}u + ownColumn + ${j * staged * N}u + ${within}] = vec4<u32>(bitcast<vec2<u32>>(moments${j}_${c}), 0u, 0u);`;
      return (c + 1) * lanes <= staged * N ? `  ${text}` : `  if (${within} < ${staged * N}u) { ${text} }`;
    }),
  );
  const part = matrices[0] * M; // rows of a subgroup
  return `${own.join("\n")}
  workgroupBarrier();
  for (var c = local; c < ${columns}u && column0 + c < params.n; c += ${threads}u) {
    var moments = vec2f();
    for (var s = 0u; s < ${subgroups[0]}u; s++) {
      moments = merged(moments, rowsFrom(row0, s * ${part}u), bitcast<vec2f>(shared_[s * ${columns}u + c].xy), rowsFrom(row0 + s * ${part}u, ${part}u));
    }
    let to = row0 / ${rows}u * 2u * params.n + column0 + c;
    partials[to] = moments.x;
    partials[to + params.n] = moments.y;
  }`;
}
