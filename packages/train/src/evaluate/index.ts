export * from "./curves.ts";
export * from "./metrics.ts";
export * from "./positiveClass.ts";
export * from "./wilson.ts";
export * from "./plots.ts";
