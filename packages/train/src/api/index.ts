export { balancedWeights } from "./classWeights.ts";
export type { WithoutCopies } from "./dataCheck.ts";
export { evaluateRun, type EvaluatedSplit, type EvaluateRunOptions } from "./evaluateRun.ts";
export type { RunEvent } from "./events.ts";
export { UnreadablePicturesError } from "./pictures.ts";
export { predictFiles, type Prediction, type PredictFilesOptions, type UnreadablePrediction } from "./predictFiles.ts";
export { loadRunConfig, type RunConfig } from "./runConfig.ts";
export { trainRun } from "./trainRun.ts";
export type { RunContext, RunMode, TrainRunOptions, TrainRunResult } from "./types.ts";
