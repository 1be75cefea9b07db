export { matmulCandidates, matmulKey, planMatmul, type MatmulGeometry, type MatmulOptions } from "./matmul.ts";
export { matmulReference } from "./reference.ts";
