export { planMatmul, type MatmulGeometry } from "./matmul.ts";
export { matmulReference } from "./reference.ts";
