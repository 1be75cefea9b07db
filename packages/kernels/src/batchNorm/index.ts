export { planBatchNormEval, planBatchNormTrain, type BatchNormTrainOptions } from "./batchNorm.ts";
export {
  planBatchNormEvalBackward,
  planBatchNormTrainBackward,
  type BatchNormTrainBackwardOptions,
} from "./backward.ts";
export type {
  BatchNormEvalBackwardGeometry,
  BatchNormEvalGeometry,
  BatchNormFusion,
  BatchNormShape,
  BatchNormTrainBackwardGeometry,
  BatchNormTrainGeometry,
  Surround,
} from "./geometry.ts";
