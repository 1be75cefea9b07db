export * from "./data/augment.ts";
export * from "./data/pictureFeed.ts";
export * from "./data/sampler.ts";
export * from "./data/store.ts";
export * from "./evaluate/index.ts";
export * from "./loop/earlyStopping.ts";
export * from "./optim/stepLR.ts";
export * from "./run/index.ts";
