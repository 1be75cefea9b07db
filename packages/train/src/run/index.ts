export * from "./atomic.ts";
export * from "./csv.ts";
export type { RunSession } from "./environment.ts";
export * from "./history.ts";
export * from "./results.ts";
export * from "./runFolder.ts";
export { shellQuoted } from "./shell.ts";
export * from "./tensorboard.ts";
