export * from "./resnet.ts";
