export * from "./binary.ts";
export * from "./reduce.ts";
export * from "./shape.ts";
export * from "./unary.ts";
