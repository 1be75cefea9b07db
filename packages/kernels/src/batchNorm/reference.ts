import type { BatchNormEvalBackwardGeometry, BatchNormEvalGeometry, BatchNormTrainGeometry } from "./geometry.ts";

type Numbers = ArrayLike<number>;

export interface BatchNormInputs {
  readonly x: Numbers;
  readonly residual?: Numbers;
  readonly gamma: Numbers;
  readonly beta: Numbers;
  readonly runningMean: Numbers;
  readonly runningVar: Numbers;
}

/** The statistics of each channel in f64, two passes. */
function momentsReference(x: Numbers, rows: number, c: number): { mean: Float64Array; deviations: Float64Array } {
  const mean = new Float64Array(c);
  const deviations = new Float64Array(c);
  for (let i = 0; i < rows * c; i++) mean[i % c]! += x[i]! / rows;
  for (let i = 0; i < rows * c; i++) deviations[i % c]! += (x[i]! - mean[i % c]!) ** 2;
  return { mean, deviations };
}

function normaliseReference(
  { x, residual, gamma, beta }: BatchNormInputs,
  mean: Float64Array,
  invStd: Float64Array,
  { rows, c, relu = false }: { readonly rows: number; readonly c: number; readonly relu?: boolean },
): Float64Array {
  return Float64Array.from({ length: rows * c }, (_, i) => {
    const j = i % c;
    const z = (x[i]! - mean[j]!) * invStd[j]! * gamma[j]! + beta[j]! + (residual?.[i] ?? 0);
    return relu && z < 0 ? 0 : z;
  });
}

/** `planBatchNormTrain` in f64. */
export function batchNormTrainReference(g: BatchNormTrainGeometry, inputs: BatchNormInputs) {
  const { rows, c, eps, momentum } = g;
  const { mean, deviations } = momentsReference(inputs.x, rows, c);
  const invStd = deviations.map((sum) => 1 / Math.sqrt(sum / rows + eps));
  return {
    saveMean: mean,
    saveInvStd: invStd,
    runningMean: mean.map((m, j) => (1 - momentum) * inputs.runningMean[j]! + momentum * m),
    runningVar: deviations.map((sum, j) => (1 - momentum) * inputs.runningVar[j]! + (momentum * sum) / (rows - 1)),
    y: normaliseReference(inputs, mean, invStd, g),
  };
}

const invStdOf = (variance: Numbers, eps: number): Float64Array =>
  Float64Array.from(variance, (v) => 1 / Math.sqrt(v + eps));

/** `planBatchNormEval` in f64. */
export function batchNormEvalReference(g: BatchNormEvalGeometry, inputs: BatchNormInputs): { y: Float64Array } {
  return {
    y: normaliseReference(inputs, Float64Array.from(inputs.runningMean), invStdOf(inputs.runningVar, g.eps), g),
  };
}

/** The gradients of either plan in f64, from the forward pass's y. */
export function batchNormBackwardReference(
  g: BatchNormEvalBackwardGeometry,
  inputs: BatchNormInputs,
  y: Numbers,
  dy: Numbers,
  statistics: "batch" | "running",
) {
  const { rows, c, eps, relu = false } = g;
  const batch = momentsReference(inputs.x, rows, c);
  const mean = statistics === "batch" ? batch.mean : Float64Array.from(inputs.runningMean);
  const invStd =
    statistics === "batch"
      ? batch.deviations.map((sum) => 1 / Math.sqrt(sum / rows + eps))
      : invStdOf(inputs.runningVar, eps);
  const dresidual = Float64Array.from({ length: rows * c }, (_, i) => (relu && y[i]! <= 0 ? 0 : dy[i]!));
  const xhat = Float64Array.from({ length: rows * c }, (_, i) => (inputs.x[i]! - mean[i % c]!) * invStd[i % c]!);
  const dgamma = new Float64Array(c);
  const dbeta = new Float64Array(c);
  for (let i = 0; i < rows * c; i++) {
    dgamma[i % c]! += dresidual[i]! * xhat[i]!;
    dbeta[i % c]! += dresidual[i]!;
  }
  const dx = dresidual.map((d, i) => {
    const j = i % c;
    const throughStatistics = statistics === "batch" ? (dbeta[j]! + xhat[i]! * dgamma[j]!) / rows : 0;
    return inputs.gamma[j]! * invStd[j]! * (d - throughStatistics);
  });
  return { dx, dgamma, dbeta, dresidual };
}
