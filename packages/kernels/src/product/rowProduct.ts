import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";
import { storedArray } from "../stored.ts";
import { epilogueCode, type Epilogue } from "./epilogue.ts";
import type { FloatType } from "./gemm.ts";
import { columnsOfBlock, range, ROWS, VECTORS } from "./lanes.ts";
import type { RightSide } from "./rightSide.ts";

/** A grid of pixels with an address each: pixel (i, j) of image n is at first + n * image + i * down + j * across. */
export interface PixelGrid {
  readonly down: number;
  readonly across: number;
  readonly first: number;
  /** Elements from one image, row, pixel to the next. */
  readonly pitch: { readonly image: number; readonly down: number; readonly across: number };
}

/** Taps of a filter in the order that they are summed: the distance, in elements, from one to the next. */
export interface TapGrid {
  readonly down: number;
  readonly across: number;
  readonly pitchDown: number;
  readonly pitchAcross: number;
}

export interface RowProduct {
  readonly label: string;
  /** Rows and columns of the result; all sizes are data. */
  readonly m: number;
  readonly n: number;
  /** The left side's array, vec4f; all its distances are multiples of 4 elements. */
  readonly left: string;
  readonly rows: PixelGrid;
  readonly taps: TapGrid;
  /** The right side. Its channels, padded to 4, are those of the left side. */
  readonly right: RightSide;
  /** The result's array, and where its rows are; columns are neighbours. */
  readonly y: string;
  /** The result's type. */
  readonly dtype: FloatType;
  readonly out: PixelGrid;
  readonly bias: boolean;
  /** What becomes of the values; default: they are stored. */
  readonly epilogue?: Epilogue | null;
}

/** The params of a grid, in elements divided by `unit`. */
export function gridParams(prefix: string, { down, across, first, pitch }: PixelGrid, unit: number) {
  return {
    [`${prefix}_down`]: { u32: down },
    [`${prefix}_across`]: { u32: across },
    [`${prefix}_first`]: { i32: first / unit },
    [`${prefix}_pitchImage`]: { i32: pitch.image / unit },
    [`${prefix}_pitchDown`]: { i32: pitch.down / unit },
    [`${prefix}_pitchAcross`]: { i32: pitch.across / unit },
  };
}

/**
 * How a row's sum is walked: the taps, and the quads of channels of each. Taps across whose channels follow each other on
 * both sides are one long tap, which spares the loop's overhead: the stem's 7 x 7 taps of a quad each become 7 of 7 quads.
 */
function walk({ taps, right }: RowProduct): { readonly taps: TapGrid; readonly quads: number } {
  const { channels, pitch } = right;
  const quads = channels / 4;
  const follows = taps.pitchAcross === channels && pitch.across === channels * pitch.channel;
  return follows ? { taps: { ...taps, across: 1 }, quads: quads * taps.across } : { taps, quads };
}

/**
 * Bytes of a right side that stays in a core's second-level cache (512 KB and more on today's servers) beside the left side
 * and the results. Its tiles are walked along the columns first, so that rows of the left side are read, and rows of the result
 * written, once and whole; a larger right side is walked along the rows, so that it is read once.
 */
const CACHED_RIGHT_BYTES = 256 * 1024;

/** WGSL: the address of pixel (image, i, j) of a grid. */
const placeIn = (prefix: string): string =>
  `params.${prefix}_first + i32(image) * params.${prefix}_pitchImage + i32(i) * params.${prefix}_pitchDown + i32(j) * params.${prefix}_pitchAcross`;

/**
 * y = left x packed (+ bias): for each row the sum over the taps and their channels, a tile of 16 x (2 lanes) outputs a
 * workgroup. One WGSL for every product: matrices, convolutions, their input gradients.
 */
export function rowProductPass(product: RowProduct, lanes: number, limits: DeviceLimits): KernelPass {
  const { left, y, bias, right, dtype, epilogue = null } = product;
  const stored = storedArray(dtype);
  const { taps, quads } = walk(product);
  const code = epilogueCode(epilogue, "y", dtype);
  const columns = columnsOfBlock(lanes);
  const rowTiles = ceilDiv(product.m, ROWS);
  const blocks = ceilDiv(product.n, columns);
  const depth = taps.down * taps.across * quads * 4;
  const columnsFirst = depth * product.n * 4 <= CACHED_RIGHT_BYTES;
  const [rows, vectors, quad] = [range(ROWS), range(VECTORS), range(4)];
  return definePass({
    label: product.label,
    bindings: {
      left: { operand: left, type: "array<vec4f>", access: "read" },
      right: { operand: right.array, type: "array<f32>", access: "read" },
      ...(bias ? { bias: { type: "array<f32>", access: "read" } } : {}),
      ...code.bindings,
      y: { operand: y, ...stored.write },
    },
    enables: stored.enables,
    params: {
      m: { u32: product.m },
      n: { u32: product.n },
      rowTiles: { u32: rowTiles },
      blocks: { u32: blocks },
      rowStep: { u32: columnsFirst ? blocks : 1 },
      blockStep: { u32: columnsFirst ? 1 : rowTiles },
      quads: { u32: quads },
      offset: { u32: right.offset },
      pitchBlock: { u32: right.pitch.block },
      pitchColumn: { u32: right.pitch.column },
      pitchChannel: { u32: right.pitch.channel },
      rightPitchDown: { u32: right.pitch.down },
      rightPitchAcross: { u32: right.pitch.across },
      tapsDown: { i32: taps.down },
      tapsAcross: { i32: taps.across },
      tapPitchDown: { i32: taps.pitchDown / 4 },
      tapPitchAcross: { i32: taps.pitchAcross / 4 },
      ...gridParams("a", product.rows, 4),
      ...gridParams("y", product.out, 1),
      ...code.params,
    },
    body: `${code.functions}@compute @workgroup_size(${lanes}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  if (group >= params.rowTiles * params.blocks) { return; }
  let row0 = group / params.rowStep % params.rowTiles * ${ROWS}u;
  let block = group / params.blockStep % params.blocks;
  let column = block * ${columns}u + lane;
  // Lanes past the last column read it again.
${vectors.map((v) => `  let place${v} = params.offset + block * params.pitchBlock + (min(column + ${v * lanes}u, params.n - 1u) - block * ${columns}u) * params.pitchColumn;`).join("\n")}
  // The rows' places: one division, then a step at a time; rows past the last repeat it.
  var j = row0 % params.a_across;
  var i = row0 / params.a_across;
  var image = i / params.a_down;
  i = i % params.a_down;
${rows
  .map((r) => {
    const place = `  let at${r} = ${placeIn("a")};\n  let out${r} = ${placeIn("y")};\n`;
    if (r === ROWS - 1) return place;
    return `${place}  j += select(0u, 1u, row0 + ${r + 1}u < params.m);
  i += select(0u, 1u, j == params.a_across);
  j = select(j, 0u, j == params.a_across);
  image += select(0u, 1u, i == params.a_down);
  i = select(i, 0u, i == params.a_down);`;
  })
  .join("\n")}
${rows.map((r) => vectors.map((v) => `  var acc${r}_${v} = 0.0;`).join("")).join("\n")}
  for (var down = 0; down < params.tapsDown; down++) {
  for (var across = 0; across < params.tapsAcross; across++) {
    let tap = down * params.tapPitchDown + across * params.tapPitchAcross;
    var k = u32(down) * params.rightPitchDown + u32(across) * params.rightPitchAcross;
    for (var q = tap; q < tap + i32(params.quads); q++) {
${quad.map((u) => vectors.map((v) => `      let b${u}_${v} = right[place${v} + k];`).join("") + "\n      k += params.pitchChannel;").join("\n")}
${rows
  .map(
    (r) => `      let a${r} = left[at${r} + q];
${quad.map((u) => vectors.map((v) => `      acc${r}_${v} = fma(a${r}[${u}], b${u}_${v}, acc${r}_${v});`).join("")).join("\n")}`,
  )
  .join("\n")}
    }
  }
  }
${vectors
  .map((v) => {
    const ours = `column + ${v * lanes}u`;
    const constants = code.perColumn(ours, String(v));
    const sum = (r: number): string => `acc${r}_${v}${bias ? ` + bias${v}` : ""}`;
    const stores = rows.map((r) => {
      const at = `u32(out${r}) + ${ours}`;
      return `    if (row0 + ${r}u < params.m) { y[${at}] = ${stored.store(code.value(sum(r), at, String(v)))}; }`;
    });
    return [
      `  if (${ours} < params.n) {`,
      ...(bias ? [`    let bias${v} = bias[${ours}];`] : []),
      ...(constants === "" ? [] : [`    ${constants}`]),
      ...stores,
      ...(epilogue?.kind === "statistics" ? [statistics(ours, sum)] : []),
      "  }",
    ].join("\n");
  })
  .join("\n")}
}`,
    workgroups: foldWorkgroups(rowTiles * blocks, limits),
  });
}

/**
 * Mean and sum of squared deviations of a column's values in this tile of rows. They are summed less the first of them, so
 * that a large mean rounds nothing; rows past the last are left out.
 */
const statistics = (column: string, value: (row: number) => string): string => `    {
    let origin = ${value(0)};
    let count = f32(min(params.m - row0, ${ROWS}u));
    var sum = 0.0;
${range(ROWS)
  .map(
    (r) => `    let d${r} = select(0.0, ${value(r)} - origin, row0 + ${r}u < params.m);
    sum += d${r};`,
  )
  .join("\n")}
    let shift = sum / count;
    var squares = 0.0;
${range(ROWS)
  .map((r) => `    squares += select(0.0, (d${r} - shift) * (d${r} - shift), row0 + ${r}u < params.m);`)
  .join("\n")}
    let to = row0 / ${ROWS}u * 2u * params.n + ${column};
    partials[to] = origin + shift;
    partials[to + params.n] = squares;
    }`;
