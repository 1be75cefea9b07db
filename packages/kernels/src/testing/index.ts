export * from "./gpu.ts";
export * from "./close.ts";
