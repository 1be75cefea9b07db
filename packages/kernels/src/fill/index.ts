export { planFill, planGather, type FillGeometry, type GatherGeometry } from "./fill.ts";
