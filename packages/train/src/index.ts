export * from "./evaluate/index.ts";
export * from "./loop/earlyStopping.ts";
export * from "./optim/stepLR.ts";
export * from "./run/index.ts";
