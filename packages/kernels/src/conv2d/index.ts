export { planConv2dForward, planConv2dGradInput, planConv2dGradWeight, type Conv2dForwardOptions } from "./conv2d.ts";
export { conv2dGeometry, type Conv2dGeometry, type Conv2dSizes } from "./geometry.ts";
export { resnet50ConvShapes, type ConvShape } from "./shapes.ts";
export { conv2dForwardReference, conv2dGradInputReference, conv2dGradWeightReference } from "./reference.ts";
