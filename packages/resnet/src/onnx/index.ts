export { DEFAULT_OPSET, ONNX_NAMES, ONNX_OPSETS, resnetOnnx, type ResNetOnnxOptions } from "./resnetOnnx.ts";
