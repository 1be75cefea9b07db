export { poolGeometry, type PoolGeometry, type PoolSizes } from "./geometry.ts";
export {
  planGlobalAveragePool,
  planGlobalAveragePoolBackward,
  type GlobalAveragePoolGeometry,
} from "./globalAveragePool.ts";
export { planMaxPool, planMaxPoolBackward, type MaxPoolOptions } from "./maxPool.ts";
