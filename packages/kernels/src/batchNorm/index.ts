export { planBatchNormEval, planBatchNormTrain } from "./batchNorm.ts";
export { planBatchNormEvalBackward, planBatchNormTrainBackward } from "./backward.ts";
export type {
  BatchNormEvalBackwardGeometry,
  BatchNormEvalGeometry,
  BatchNormFusion,
  BatchNormShape,
  BatchNormTrainBackwardGeometry,
  BatchNormTrainGeometry,
} from "./geometry.ts";
