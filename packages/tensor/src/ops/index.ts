export { batchNorm, type BatchNormOptions } from "./batchNorm.ts";
export * from "./binary.ts";
export { conv2d, type Conv2dOptions } from "./conv2d.ts";
export { linear, matmul, type MatmulOptions } from "./matmul.ts";
export { globalAvgPool, maxPool2d, type MaxPoolOptions } from "./pool.ts";
export * from "./reduce.ts";
export * from "./shape.ts";
export { logSoftmax, softmax, softmaxCrossEntropy, type CrossEntropyOptions } from "./softmax.ts";
export * from "./unary.ts";
