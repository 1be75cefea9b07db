import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, type KernelPass, type KernelPlan } from "../plan.ts";
import { storedArray, storedBytes } from "../stored.ts";
import {
  batchNormPlan,
  checkBatchNorm,
  type BatchNormEvalGeometry,
  type BatchNormTrainGeometry,
  type Surround,
} from "./geometry.ts";
import { mergedApplyPass, surroundedRows, type AfterProduct } from "./mergedApply.ts";
import { finalisePass, momentsPass } from "./statistics.ts";
import { columnRead, columnType, tileMain, tileOf, tileParams, tileWorkgroups } from "./tile.ts";
import { isWhole } from "./wholeGradient.ts";

export interface BatchNormTrainOptions {
  /**
   * Where x is the result of a product that has left mean and sum of squared deviations of each tile of so many rows in the
   * operand `partials` [tiles, 2, c] (its epilogue `statistics`): x is then read once. Default: they are computed here.
   */
  readonly partialRows?: number;
  /**
   * Writes y with zeros around each image, [images, height + 2 down, width + 2 across, c], as a convolution without padding
   * reads it. With `partialRows`, f32, whole quads of channels and a software device only. Default: y as x.
   */
  readonly surround?: Surround;
}

/**
 * Batch norm by the batch's own statistics (torch's batch_norm with training = True):
 * y = relu((x - mean) / sqrt(var + eps) * gamma + beta + residual), residual and relu where they are asked for.
 * Operands `x`, (`residual`) [rows, c]; `gamma`, `beta` [c]; `runningMean`, `runningVar` [c], updated in place; written:
 * `saveMean`, `saveInvStd` [c] for the backward plan and `y` [rows, c]. The normalisation uses the biased variance, the
 * running variance the unbiased one. Throws GeometryError for a single row, which has no variance (as torch).
 */
export function planBatchNormTrain(
  g: BatchNormTrainGeometry,
  limits: DeviceLimits,
  options: BatchNormTrainOptions = {},
): KernelPlan {
  const { partialRows, surround } = options;
  checkBatchNorm("batchNorm.train", g);
  const { rows, c, residual = false, dtype = "f32" } = g;
  if (rows === 1)
    throw new GeometryError("batchNorm.train", "expected more than 1 value per channel when training", { rows, c });
  const [all, one] = [storedBytes(dtype, rows * c), c * 4];
  const tile = tileOf("reduce", g, limits);
  const label = `batchNorm.train [${rows},${c}]`;
  if (surround && (partialRows === undefined || dtype !== "f32" || c % 4 !== 0 || !isWhole(limits)))
    throw new GeometryError("batchNorm.train", "y can't be surrounded with zeros", { rows, c, partialRows, dtype });
  const chunks = partialRows === undefined ? tile.chunks : ceilDiv(rows, partialRows);
  const partials = { partials: chunks * 2 * one };
  return batchNormPlan(
    { kernel: "batchNorm.train", geometry: g, options },
    g,
    {
      operands: {
        x: all,
        ...(residual ? { residual: all } : {}),
        gamma: one,
        beta: one,
        runningMean: one,
        runningVar: one,
        saveMean: one,
        saveInvStd: one,
        y: surround ? surroundedRows(rows, surround) * one : all,
        ...(partialRows === undefined ? {} : partials),
      },
      ...(partialRows === undefined ? { workspace: partials } : {}),
      passes:
        partialRows === undefined
          ? [
              momentsPass(`${label} moments`, g, tile, limits),
              finalisePass(`${label} statistics`, g, tile, limits),
              applyPass(`${label} apply`, g, "saved", limits),
            ]
          : afterProduct(label, g, { ...options, partialRows }, limits),
      flop: partialRows === undefined ? 7 : 3,
    },
    limits,
  );
}

/** What remains of the training mode where a product has left the moments of its tiles of rows. */
function afterProduct(
  label: string,
  g: BatchNormTrainGeometry,
  options: AfterProduct,
  limits: DeviceLimits,
): KernelPass[] {
  const { partialRows } = options;
  if (isWhole(limits)) return [mergedApplyPass(label, g, options, limits)];
  const chunks = { rows: g.rows, chunkRows: partialRows, chunks: ceilDiv(g.rows, partialRows) };
  return [
    finalisePass(`${label} statistics`, g, chunks, limits, "zero"),
    applyPass(`${label} apply`, g, "saved", limits),
  ];
}

/**
 * Batch norm by the running statistics (torch's batch_norm with training = False). Operands `x`, (`residual`)
 * [rows, c]; `gamma`, `beta`, `runningMean`, `runningVar` [c]; `y` [rows, c] is written. Options as in training.
 */
export function planBatchNormEval(g: BatchNormEvalGeometry, limits: DeviceLimits): KernelPlan {
  checkBatchNorm("batchNorm.eval", g);
  const [all, one] = [storedBytes(g.dtype ?? "f32", g.rows * g.c), g.c * 4];
  return batchNormPlan(
    { kernel: "batchNorm.eval", geometry: g },
    g,
    {
      operands: {
        x: all,
        ...(g.residual ? { residual: all } : {}),
        gamma: one,
        beta: one,
        runningMean: one,
        runningVar: one,
        y: all,
      },
      passes: [applyPass(`batchNorm.eval [${g.rows},${g.c}]`, g, "running", limits)],
      flop: 3,
    },
    limits,
  );
}

function applyPass(
  label: string,
  g: BatchNormEvalGeometry,
  statistics: "saved" | "running",
  limits: DeviceLimits,
): KernelPass {
  const { relu = false, residual = false, dtype = "f32" } = g;
  const tile = tileOf("map", g, limits);
  const rows = storedArray(dtype, tile.width);
  const read = columnRead(tile);
  const T = columnType(tile);
  const saved = statistics === "saved";
  return definePass({
    label,
    bindings: {
      x: rows.read,
      ...(residual ? { residual: rows.read } : {}),
      gamma: read,
      beta: read,
      ...(saved ? { saveMean: read, saveInvStd: read } : { runningMean: read, runningVar: read }),
      y: rows.write,
    },
    params: { ...tileParams(tile), eps: { f32: g.eps } },
    enables: rows.enables,
    body: tileMain(tile, {
      before: saved
        ? "let mean = saveMean[column];\n  let scale = saveInvStd[column] * gamma[column];\n  let shift = beta[column];"
        : `let mean = runningMean[column];\n  let scale = ${T}(1.0) / sqrt(runningVar[column] + ${T}(params.eps)) * gamma[column];\n  let shift = beta[column];`,
      load: (at, k) =>
        `let v${k} = ${rows.load(`x[${at}]`)};${residual ? ` let r${k} = ${rows.load(`residual[${at}]`)};` : ""}`,
      use: (at, k) => {
        const value = `(v${k} - mean) * scale + shift${residual ? ` + r${k}` : ""}`;
        // a select, not a max: NaN goes through, as torch's relu lets it
        return relu
          ? `let z${k} = ${value}; y[${at}] = ${rows.store(`select(z${k}, ${T}(), z${k} < ${T}())`)};`
          : `y[${at}] = ${rows.store(value)};`;
      },
    }),
    workgroups: tileWorkgroups(tile, limits),
  });
}
