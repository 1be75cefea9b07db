export * from "./checkOp.ts";
export * from "./device.ts";
export * from "./gradCheck.ts";
