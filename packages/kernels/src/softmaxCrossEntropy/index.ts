export {
  IGNORED_LABEL,
  planCrossEntropy,
  planCrossEntropyBackward,
  type CrossEntropyGeometry,
} from "./crossEntropy.ts";
export {
  planLogSoftmax,
  planLogSoftmaxBackward,
  planSoftmax,
  planSoftmaxBackward,
  type RowsGeometry,
} from "./softmax.ts";
