export * from "./resnet.ts";
export * from "./preprocessing/index.ts";
export * from "./weights/index.ts";
export * from "./onnx/index.ts";
