import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits, type MatrixSize } from "../limits.ts";

/** A size of f16 subgroup matrices with f32 sums. */
export const matrixSize = (size: number): MatrixSize => ({
  componentType: "f16",
  resultComponentType: "f32",
  M: size,
  N: size,
  K: size,
});

/** A GPU with tensor cores, as NVIDIA's are expected to be: for plans that are looked at, not run. */
export const TENSOR_CORES: DeviceLimits = {
  ...BASELINE_GPU,
  f16: true,
  maxWorkgroupStorageBytes: 49_152,
  subgroups: { min: 32, max: 32 },
  matrices: [matrixSize(8), matrixSize(16), { ...matrixSize(32), resultComponentType: "f16" }],
};

/** The software device, which has small ones. */
export const SMALL_MATRICES: DeviceLimits = { ...BASELINE_CPU, f16: true, matrices: [matrixSize(8)] };
