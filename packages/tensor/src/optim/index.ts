export { Adam, AdamW, type AdamOptions } from "./adam.ts";
export { GradScaler, lossScaleOf, type GradScalerOptions, type LossScale } from "./gradScaler.ts";
export { Optimizer } from "./optimizer.ts";
export { SGD, type SgdOptions } from "./sgd.ts";
export type { OptimizerOptions, ParameterGroup } from "./updateKernel.ts";
