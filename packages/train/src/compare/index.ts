export { compareRuns, type Comparison, type Difference } from "./compareRuns.ts";
export { CompareError } from "./errors.ts";
export { mcnemar, type McNemar } from "./mcnemar.ts";
