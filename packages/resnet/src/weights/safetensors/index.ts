export { readSafetensors, type Safetensors } from "./read.ts";
export { safetensorsPieces, writeSafetensors, type FloatStorage } from "./write.ts";
