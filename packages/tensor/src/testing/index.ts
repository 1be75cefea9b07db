export * from "./device.ts";
export * from "./gradCheck.ts";
