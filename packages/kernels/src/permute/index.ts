export { planPermute, type PermuteGeometry } from "./permute.ts";
export { planSlice, planSliceBackward, planSliceInto, type SliceGeometry } from "./slice.ts";
