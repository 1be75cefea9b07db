export * from "./init.ts";
export * from "./layers.ts";
export * from "./module.ts";
export * from "./stateDict.ts";
