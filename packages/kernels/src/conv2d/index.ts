export {
  conv2dForwardCandidates,
  conv2dGradInputCandidates,
  conv2dGradWeightCandidates,
  conv2dKey,
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
  type Conv2dForwardOptions,
  type Conv2dGradInputOptions,
  type Conv2dOptions,
  type Conv2dProduct,
} from "./conv2d.ts";
export { conv2dGeometry, type Conv2dGeometry, type Conv2dSizes } from "./geometry.ts";
export { resnet50ConvShapes, resnetConvShapes, type ConvShape, type ResNetShape } from "./shapes.ts";
export { conv2dForwardReference, conv2dGradInputReference, conv2dGradWeightReference } from "./reference.ts";
