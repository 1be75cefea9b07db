export * from "./lossScale.ts";
export { planNonFinite, type NonFiniteGeometry } from "./nonFinite.ts";
export { planAdam, planSgd, type SgdGeometry } from "./optimizer.ts";
export * from "./scalars.ts";
export { MAX_SEGMENTS, type Segment, type UpdateGeometry } from "./update.ts";
