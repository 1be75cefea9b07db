export * from "./gpu.ts";
export * from "./close.ts";
export * from "./devices.ts";
export * from "./half.ts";
