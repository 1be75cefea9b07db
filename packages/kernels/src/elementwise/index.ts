export { planBinary, type BinaryGeometry } from "./binary.ts";
export { broadcastAxes, broadcastShapes, elementsOf, type Shape } from "./broadcast.ts";
export { BINARY, SCALAR, UNARY, type BinaryOp, type ScalarOp, type UnaryOp } from "./ops.ts";
export * from "./unary.ts";
