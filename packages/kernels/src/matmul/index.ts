export { planMatmul, type MatmulGeometry } from "./matmul.ts";
