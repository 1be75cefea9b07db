export { run } from "./run.ts";
export type { Io, Sink } from "./io.ts";
