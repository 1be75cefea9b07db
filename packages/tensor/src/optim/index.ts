export { Adam, AdamW, type AdamOptions } from "./adam.ts";
export { Optimizer, type ParameterGroup } from "./optimizer.ts";
export { SGD, type SgdOptions } from "./sgd.ts";
