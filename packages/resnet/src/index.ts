export * from "./resnet.ts";
export * from "./preprocessing/index.ts";
