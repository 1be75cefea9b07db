import { F32_READ, F32_WRITE } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { definePass, type KernelPass } from "../plan.ts";
import { storedArray, type ActivationType } from "../stored.ts";
import { foldChunks, secondStageMain, secondStageWorkgroups } from "./statistics.ts";
import {
  columnRead,
  columnType,
  columnWrite,
  tileMain,
  tileOf,
  tileParams,
  tileWorkgroups,
  type Tile,
} from "./tile.ts";

/** What the gradient passes differ in. */
export interface Gradient {
  readonly rows: number;
  readonly c: number;
  readonly eps: number;
  /** Which statistics normalised: the batch's, saved by the forward plan, or the running ones. */
  readonly frozen: boolean;
  /** The relu's mask: none, from y, or computed again from x (which saves reading y, and y's life). */
  readonly mask: "none" | "y" | "x";
  readonly residual: boolean;
  readonly dtype: ActivationType;
}

/** With frozen statistics the sums pass writes dx on the way, unless y and dresidual take its place among the bindings. */
const isDirect = ({ frozen, mask }: Gradient): boolean => frozen && mask !== "y";

/** Bindings and WGSL of `mean` and, where they are needed, `scale` and `shift`, as the forward pass has them. */
export function statistics(gradient: Gradient, tile: Tile) {
  const { frozen, mask, eps } = gradient;
  const read = columnRead(tile);
  const T = columnType(tile);
  const scaled = mask === "x" || isDirect(gradient);
  const [mean, spread] = frozen ? ["runningMean", "runningVar"] : ["saveMean", "saveInvStd"];
  const bindings = {
    ...(scaled ? { gamma: read, [spread]: read } : {}),
    ...(mask === "x" ? { beta: read } : {}),
    [mean]: read,
  };
  const invStd = frozen ? `${T}(1.0) / sqrt(runningVar[column] + ${T}(params.eps))` : "saveInvStd[column]";
  const wgsl = [
    `let mean = ${mean}[column];`,
    ...(scaled ? [`let scale = ${invStd} * gamma[column];`] : []),
    ...(mask === "x" ? ["let shift = beta[column];"] : []),
  ].join("\n  ");
  return { bindings, wgsl, params: frozen ? { eps: { f32: eps } } : {} };
}

/** g, dy behind the mask, as `gK`. */
export function masked({ mask }: Gradient, T: string, k: number): string {
  if (mask === "none") return `let g${k} = dy${k};`;
  const inactive = mask === "y" ? `y${k} <= ${T}()` : `d${k} * scale + shift <= ${T}()`;
  return `let g${k} = select(dy${k}, ${T}(), ${inactive});`;
}

/** Sums of g and of g * (x - mean) over each chunk: `partials` [chunks, 2, c]. Writes dresidual = g on the way, and a direct dx. */
export function sumsPass(label: string, gradient: Gradient, tile: Tile, limits: DeviceLimits): KernelPass {
  const { columns, lanes, rowLanes } = tile;
  const { mask, residual } = gradient;
  const T = columnType(tile);
  const rows = storedArray(gradient.dtype, tile.width);
  const { bindings, wgsl, params } = statistics(gradient, tile);
  const write = `partials[chunk * ${2 * columns}u + column] = sum;
    partials[chunk * ${2 * columns}u + ${columns}u + column] = product;`;
  const merge = `sums[lane] = sum;
  products[lane] = product;
  workgroupBarrier();
  if (lane < ${lanes}u${columns % lanes === 0 ? "" : " && owns"}) {
    for (var l = 1u; l < ${rowLanes}u; l++) {
      sum += sums[l * ${lanes}u + lane];
      product += products[l * ${lanes}u + lane];
    }
    ${write}
  }`;
  return definePass({
    label,
    bindings: {
      x: rows.read,
      dy: rows.read,
      ...bindings,
      ...(mask === "y" ? { y: rows.read } : {}),
      ...(residual ? { dresidual: rows.write } : {}),
      ...(isDirect(gradient) ? { dx: rows.write } : {}),
      partials: columnWrite(tile),
    },
    params: { ...tileParams(tile), ...params },
    enables: rows.enables,
    body: tileMain(tile, {
      declarations:
        rowLanes === 1
          ? ""
          : `var<workgroup> sums: array<${T}, ${lanes * rowLanes}>;\nvar<workgroup> products: array<${T}, ${lanes * rowLanes}>;`,
      before: `${wgsl}
  var sum = ${T}();
  var product = ${T}();`,
      load: (at, k) =>
        `let d${k} = ${rows.load(`x[${at}]`)} - mean; let dy${k} = ${rows.load(`dy[${at}]`)};${mask === "y" ? ` let y${k} = ${rows.load(`y[${at}]`)};` : ""}`,
      use: (at, k) =>
        `${masked(gradient, T, k)} sum += g${k}; product += g${k} * d${k};${residual ? ` dresidual[${at}] = ${rows.store(`g${k}`)};` : ""}${isDirect(gradient) ? ` dx[${at}] = ${rows.store(`scale * g${k}`)};` : ""}`,
      after: rowLanes === 1 ? write : merge,
      barriers: rowLanes > 1,
    }),
    workgroups: tileWorkgroups(tile, limits),
  });
}

/**
 * dbeta and dgamma from the chunks' sums and, in training, what the apply pass needs of each channel: `coefficients` [5, c],
 * dx = a * g + b * (x - mean) + d with a = gamma * invStd, b = -a * invStd * dgamma / rows, d = -a * dbeta / rows.
 */
export function parametersPass(
  label: string,
  { c, rows, eps, frozen, mask }: Gradient,
  tile: Tile,
  limits: DeviceLimits,
): KernelPass {
  return definePass({
    label,
    bindings: {
      partials: F32_READ,
      ...(frozen
        ? { runningVar: F32_READ }
        : { gamma: F32_READ, ...(mask === "x" ? { beta: F32_READ } : {}), saveMean: F32_READ, saveInvStd: F32_READ }),
      dgamma: F32_WRITE,
      dbeta: F32_WRITE,
      ...(frozen ? {} : { coefficients: F32_WRITE }),
    },
    params: { ...tileParams(tile), perRow: { f32: 1 / rows }, eps: { f32: eps } },
    body: secondStageMain(
      c,
      [
        foldChunks("sum", `return partials[i * ${2 * c}u + channel];`, "", limits),
        foldChunks("product", `return partials[i * ${2 * c}u + ${c}u + channel];`, "", limits),
      ].join("\n"),
      "let sum = fold_sum(channel, part, slot);\n  let product = fold_product(channel, part, slot);",
      `let invStd = ${frozen ? "1.0 / sqrt(runningVar[channel] + params.eps)" : "saveInvStd[channel]"};
    dbeta[channel] = sum;
    dgamma[channel] = product * invStd;${
      frozen
        ? ""
        : `
    let a = gamma[channel] * invStd;
    coefficients[channel] = a;
    coefficients[${c}u + channel] = -a * invStd * (product * invStd) * params.perRow;
    coefficients[${2 * c}u + channel] = -a * sum * params.perRow;
    coefficients[${3 * c}u + channel] = saveMean[channel];${mask === "x" ? `\n    coefficients[${4 * c}u + channel] = beta[channel];` : ""}`
    }`,
      limits,
    ),
    workgroups: secondStageWorkgroups(c, limits),
  });
}

/** dx in training, from the coefficients; with a residual g is read back from dresidual, so that y is read once. */
export function applyPass(label: string, gradient: Gradient, limits: DeviceLimits): KernelPass {
  const tile = tileOf("map", gradient, limits);
  const T = columnType(tile);
  const rows = storedArray(gradient.dtype, tile.width);
  const { mask } = gradient;
  const source = mask === "y" ? "dresidual" : "dy";
  const coefficient = (k: number): string => `coefficients[${k * tile.columns}u + column]`;
  return definePass({
    label,
    bindings: { x: rows.read, [source]: rows.read, coefficients: columnRead(tile), dx: rows.write },
    params: tileParams(tile),
    enables: rows.enables,
    body: tileMain(tile, {
      before: [
        `let scale = ${coefficient(0)};`,
        `let slope = ${coefficient(1)};`,
        `let constant = ${coefficient(2)};`,
        `let mean = ${coefficient(3)};`,
        ...(mask === "x" ? [`let shift = ${coefficient(4)};`] : []),
      ].join("\n  "),
      load: (at, k) => `let d${k} = ${rows.load(`x[${at}]`)} - mean; let dy${k} = ${rows.load(`${source}[${at}]`)};`,
      use: (at, k) =>
        `${masked({ ...gradient, mask: mask === "x" ? "x" : "none" }, T, k)} dx[${at}] = ${rows.store(`scale * g${k} + slope * d${k} + constant`)};`,
    }),
    workgroups: tileWorkgroups(tile, limits),
  });
}

/** dx with frozen statistics from dy, and dresidual; or from dresidual. */
export function applyFrozenPass(
  label: string,
  gradient: Gradient,
  source: "dy" | "dresidual",
  limits: DeviceLimits,
): KernelPass {
  const tile = tileOf("map", gradient, limits);
  const T = columnType(tile);
  const read = columnRead(tile);
  const rows = storedArray(gradient.dtype, tile.width);
  const { mask } = gradient;
  const residual = gradient.residual && source === "dy";
  return definePass({
    label,
    bindings: {
      ...(mask === "x" ? { x: rows.read, beta: read, runningMean: read } : {}),
      [source]: rows.read,
      gamma: read,
      runningVar: read,
      ...(mask === "y" ? { y: rows.read } : {}),
      dx: rows.write,
      ...(residual ? { dresidual: rows.write } : {}),
    },
    params: { ...tileParams(tile), eps: { f32: gradient.eps } },
    enables: rows.enables,
    body: tileMain(tile, {
      before: [
        `let scale = ${T}(1.0) / sqrt(runningVar[column] + ${T}(params.eps)) * gamma[column];`,
        ...(mask === "x" ? ["let mean = runningMean[column];", "let shift = beta[column];"] : []),
      ].join("\n  "),
      load: (at, k) =>
        `${mask === "x" ? `let d${k} = ${rows.load(`x[${at}]`)} - mean; ` : ""}let dy${k} = ${rows.load(`${source}[${at}]`)};${mask === "y" ? ` let y${k} = ${rows.load(`y[${at}]`)};` : ""}`,
      use: (at, k) =>
        `${masked(gradient, T, k)} dx[${at}] = ${rows.store(`scale * g${k}`)};${residual ? ` dresidual[${at}] = ${rows.store(`g${k}`)};` : ""}`,
    }),
    workgroups: tileWorkgroups(tile, limits),
  });
}
