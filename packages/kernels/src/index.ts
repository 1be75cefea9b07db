export * from "./encode.ts";
export * from "./errors.ts";
export * from "./limits.ts";
export * from "./plan.ts";
export * from "./elementwise/index.ts";
export * from "./reduce/index.ts";
