export type { ExportCheck } from "./checkOnnx.ts";
export * from "./errors.ts";
export type { Exported, ExportOptions } from "./exported.ts";
export * from "./exportOnnx.ts";
export * from "./exportSafetensors.ts";
