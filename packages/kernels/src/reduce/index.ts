export { planArgmax, planReduce, type ReduceGeometry, type ReduceOp } from "./reduce.ts";
