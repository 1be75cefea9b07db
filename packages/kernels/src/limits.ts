import type { Choices } from "./choices.ts";

/** Element types of device buffers. */
export type DType = "f32" | "f16" | "u32" | "i32";

export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = { f32: 4, f16: 2, u32: 4, i32: 4 };

/** One size of subgroup matrix (tensor core) that the device offers: [M, K] x [K, N] -> [M, N]. */
export interface MatrixSize {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * What a plan may know of a device, as plain data: no GPU object goes into a plan.
 * `deviceClass` is "cpu" for a software device: there an invocation is a SIMD lane of a CPU core, workgroup memory
 * is ordinary memory and a barrier costs a loop, so that plans differ from a GPU's.
 */
export interface DeviceLimits {
  readonly deviceClass: "cpu" | "gpu";
  readonly maxWorkgroupsPerDimension: number;
  readonly maxInvocationsPerWorkgroup: number;
  readonly maxWorkgroupStorageBytes: number;
  readonly maxStorageBindingBytes: number;
  readonly maxStorageBuffersPerStage: number;
  /** null where the device has no subgroups. Sizes in invocations. */
  readonly subgroups: { readonly min: number; readonly max: number } | null;
  readonly f16: boolean;
  readonly matrices: readonly MatrixSize[];
  /** Variants that were measured to be the fastest here; none where they are left out. */
  readonly choices?: Choices;
}

/** WebGPU's guaranteed limits: the device of the snapshots, and the least that a plan has to work with. */
export const BASELINE_GPU: DeviceLimits = {
  deviceClass: "gpu",
  maxWorkgroupsPerDimension: 65_535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 16_384,
  maxStorageBindingBytes: 134_217_728,
  maxStorageBuffersPerStage: 8,
  subgroups: null,
  f16: false,
  matrices: [],
};

/** The same for a software device (Mesa's lavapipe). */
export const BASELINE_CPU: DeviceLimits = {
  ...BASELINE_GPU,
  deviceClass: "cpu",
  maxWorkgroupStorageBytes: 32_768,
  maxStorageBuffersPerStage: 16,
  subgroups: { min: 8, max: 8 },
};

/** True where the CPU does an adapter's work: the browsers' flag for it is not set for every such driver, so by its names too. */
export function isSoftware({ device, description, architecture, isFallbackAdapter }: GPUAdapterInfo): boolean {
  return (
    isFallbackAdapter ||
    /llvmpipe|lavapipe|swiftshader|basic render|warp/i.test(`${device} ${description} ${architecture}`)
  );
}

/** Reads the limits of an opened device, as plain data: nothing of Dawn's is kept. */
export function limitsOf(device: GPUDevice, info: GPUAdapterInfo): DeviceLimits {
  const { limits, features } = device;
  const reported = info as GPUAdapterInfo & { readonly subgroupMatrixConfigs?: readonly MatrixSize[] };
  return {
    deviceClass: isSoftware(info) ? "cpu" : "gpu",
    maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupStorageBytes: limits.maxComputeWorkgroupStorageSize,
    maxStorageBindingBytes: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerStage: limits.maxStorageBuffersPerShaderStage,
    subgroups: features.has("subgroups") ? { min: info.subgroupMinSize ?? 4, max: info.subgroupMaxSize ?? 128 } : null,
    f16: features.has("shader-f16"),
    matrices: [...(reported.subgroupMatrixConfigs ?? [])].map(({ componentType, resultComponentType, M, N, K }) => ({
      componentType,
      resultComponentType,
      M,
      N,
      K,
    })),
  };
}
