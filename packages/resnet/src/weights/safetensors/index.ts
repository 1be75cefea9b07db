export { readSafetensors, type Safetensors } from "./read.ts";
export { safetensorsPieces, writeSafetensors } from "./write.ts";
