export type { DType } from "@fracture/kernels";
export { openDevice, Device, type DeviceCounts } from "./device.ts";
export type { AdapterChoice, AdapterInfo, AdapterOptions } from "./adapters.ts";
export { CaptureError, GpuError, NoAdapterError, ShapeError, TensorError } from "./errors.ts";
export { sizeOf, type Shape } from "./shape.ts";
export { Tensor, type Data } from "./tensor.ts";
export { keep, tidy } from "./scope.ts";
export { full, input, ones, tensor, zeros, type CreateOptions, type Nested } from "./create.ts";
export { autocast, autocastEnabled } from "./autograd/autocast.ts";
export { gradEnabled, noGrad } from "./autograd/noGrad.ts";
export { defineOp, type OpContext, type OpDefinition } from "./autograd/defineOp.ts";
export { capture, type CaptureOptions } from "./capture/capture.ts";
export type { Fusion } from "./capture/passes/fuse.ts";
export { SlotPool } from "./capture/slotPool.ts";
export { Storage } from "./storage.ts";
export { Timestamps } from "./timestamps.ts";
export {
  packViews,
  pictureWords,
  VIEW_WORDS,
  type PictureBox,
  type ImageView,
  type Normalization,
  type PictureSizes,
} from "@fracture/kernels";
export { f32ToF16, philox4x32, randomNormals, randomUniform, seedWords, type RandomSequence } from "@fracture/kernels";
export type { Program, ProgramKernel } from "./capture/program.ts";
export * from "./ops/index.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
