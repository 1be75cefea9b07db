import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, foldWorkgroups, type Param } from "../plan.ts";

/**
 * How the passes over [rows, c] are cut: a workgroup owns a run of `chunkRows` rows and `lanes` neighbouring columns, a
 * column being four channels, or one where c is not a multiple of 4. Everything but `rows`, `chunkRows` and `chunks`
 * depends on c and the device alone, so that another batch compiles nothing.
 */
export interface Tile {
  readonly rows: number;
  /** Channels a column. */
  readonly width: 1 | 4;
  readonly columns: number;
  /** Invocations side by side, and rows of them in a workgroup. */
  readonly lanes: number;
  readonly rowLanes: number;
  readonly columnTiles: number;
  readonly chunkRows: number;
  readonly chunks: number;
}

/** Rows that one chunk of a reduction has at the most on a software device: they are added up by one invocation. */
const MOST_CPU_ROWS = 256;
/** Chunks that a reduction leaves at the most for its second stage. */
const MOST_CHUNKS = 1024;
const GPU_THREADS = 256;

/** The cut of a pass: a reduction prefers long chunks (they leave partial sums), the others chunks of a few rows a lane. */
export function tileOf(kind: "reduce" | "map", { rows, c }: { rows: number; c: number }, limits: DeviceLimits): Tile {
  const width = c % 4 === 0 ? 4 : 1;
  const columns = c / width;
  const cpu = limits.deviceClass === "cpu";
  // A software device has no use for lanes side by side in a row but to fill a subgroup, and none for rows of them.
  const lanes = cpu ? Math.min(64, 8 * ceilDiv(columns, 8)) : Math.min(64, 2 ** Math.ceil(Math.log2(columns)));
  const rowLanes = cpu ? 1 : GPU_THREADS / lanes;
  const columnTiles = ceilDiv(columns, lanes);
  let chunkRows: number;
  if (cpu) {
    chunkRows = Math.min(MOST_CPU_ROWS, Math.max(16, ceilDiv(rows * columnTiles, 32)));
  } else {
    const most = kind === "reduce" ? 64 : 8;
    chunkRows = rowLanes * Math.min(most, Math.max(4, ceilDiv(rows * columnTiles, MOST_CHUNKS * rowLanes)));
  }
  if (kind === "reduce") chunkRows = Math.max(chunkRows, ceilDiv(rows, MOST_CHUNKS));
  return { rows, width, columns, lanes, rowLanes, columnTiles, chunkRows, chunks: ceilDiv(rows, chunkRows) };
}

export const tileParams = ({
  rows,
  chunkRows,
  chunks,
}: Pick<Tile, "rows" | "chunkRows" | "chunks">): Readonly<Record<string, Param>> => ({
  rows: { u32: rows },
  chunkRows: { u32: chunkRows },
  chunks: { u32: chunks },
});

export const tileWorkgroups = (tile: Tile, limits: DeviceLimits): [number, number, number] =>
  foldWorkgroups(tile.chunks * tile.columnTiles, limits);

/** The WGSL type of a column: `vec4f`, or `f32` where c is not a multiple of 4. */
export const columnType = ({ width }: { readonly width: 1 | 4 }): string => (width === 4 ? "vec4f" : "f32");

export const columnRead = (tile: Tile) => ({ type: `array<${columnType(tile)}>`, access: "read" }) as const;
export const columnWrite = (tile: Tile) => ({ type: `array<${columnType(tile)}>`, access: "read_write" }) as const;

/** Rows whose loads are issued together. */
const UNROLL = 4;

export interface TileBody {
  /** Declarations of functions and workgroup variables. */
  readonly declarations?: string;
  /** Runs once; sees `column`, `chunk`, `first` (the invocation's first row, or the last row of all past the end). */
  readonly before: string;
  /** Statements for one element at index `at`, the k-th of those in flight: loads of all come before uses. */
  readonly load: (at: string, k: number) => string;
  readonly use: (at: string, k: number) => string;
  /** Runs once afterwards, only in invocations that own a column unless `barriers` says that it has its own guard. */
  readonly after?: string;
  readonly barriers?: boolean;
}

/** WGSL: the loops over the rows from `r` to `end`, four in flight. */
export function walkRows(
  { columns, rowLanes }: Pick<Tile, "columns" | "rowLanes">,
  { load, use }: Pick<TileBody, "load" | "use">,
): string {
  const at = (k: number): string => `(r + ${k * rowLanes}u) * ${columns}u + column`;
  const flight = Array.from({ length: UNROLL }, (_, k) => k);
  return `  for (; r + ${(UNROLL - 1) * rowLanes}u < end; r += ${UNROLL * rowLanes}u) {
${flight.map((k) => `    ${load(at(k), k)}`).join("\n")}
${flight.map((k) => `    ${use(at(k), k)}`).join("\n")}
  }
  for (; r < end; r += ${rowLanes}u) {
    ${load(at(0), 0)}
    ${use(at(0), 0)}
  }`;
}

/** The `main` that walks the tile. */
export function tileMain(tile: Tile, { declarations = "", before, load, use, after = "", barriers }: TileBody): string {
  const { columns, lanes, rowLanes, columnTiles } = tile;
  const whole = columns % lanes === 0;
  const end = "min((chunk + 1u) * params.chunkRows, params.rows)";
  const row = rowLanes === 1 ? "" : ` + lane / ${lanes}u`;
  const tail = after === "" || whole || barriers ? after : `if (owns) {\n${after}\n  }`;
  return `${declarations}
@compute @workgroup_size(${lanes * rowLanes}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  let chunk = group / ${columnTiles}u;
  if (chunk >= params.chunks) { return; }
  let wanted = group % ${columnTiles}u * ${lanes}u + lane % ${lanes}u;
  ${whole ? "let column = wanted;" : `let owns = wanted < ${columns}u;\n  let column = min(wanted, ${columns - 1}u);`}
  var r = chunk * params.chunkRows${row};
  let end = ${whole ? end : `select(0u, ${end}, owns)`};
  let first = min(r, params.rows - 1u);
  ${before}
${walkRows(tile, { load, use })}
  ${tail}
}`;
}
