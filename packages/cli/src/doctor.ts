import { availableParallelism, cpus, totalmem } from "node:os";
import type { AdapterInfo, Device } from "@fracture/tensor";
import type { Io } from "./io.ts";
import { measureCopies } from "./bench/copies.ts";
import { measureMatmul } from "./bench/products.ts";
import { formatBytes, formatNumber } from "./output/format.ts";
import { formatPairs } from "./output/table.ts";
import { describeTuning, loadTuning, type Tuning } from "./tuning/tuning.ts";

/** What `doctor --json` prints. */
export interface Findings {
  readonly adapter: string;
  readonly driver: string;
  readonly software: boolean;
  readonly system: {
    readonly node: string;
    readonly platform: string;
    readonly processor: string;
    readonly threads: number;
    readonly memory_bytes: number;
  };
  /** The one that computes, then others that there are. */
  readonly adapters: readonly AdapterInfo[];
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly subgroups: { readonly min: number; readonly max: number } | null;
  /** Sizes that matrix units multiply: [M, K] x [K, N]. */
  readonly matrices: Device["limits"]["matrices"];
  /** Whence the choices of products' variants are. */
  readonly tuning: Omit<Tuning, "choices">;
  readonly rates: {
    readonly gemm: { readonly size: number; readonly gflop_per_s: number; readonly largest_error: number };
    /** Read and written bytes of copies on the device; bytes to it and back. */
    readonly copy: {
      readonly gbyte_per_s: number;
      readonly upload_gbyte_per_s: number;
      readonly download_gbyte_per_s: number;
    };
  };
}

const GEMM_SIZE = 1024;
const MEASURING = { warmUp: 1, repeats: 3 };

/** Asks a device what it is and can do, and measures it. */
export async function examine(device: Device, { env, signal }: Pick<Io, "env" | "signal">): Promise<Findings> {
  const { limits, info, gpu } = device;
  const gemm = await measureMatmul(device, { m: GEMM_SIZE, n: GEMM_SIZE, k: GEMM_SIZE }, { ...MEASURING, signal });
  const copy = await measureCopies(device, { ...MEASURING, signal });
  const { choices: _, ...tuning } = await loadTuning(info, env);
  return {
    adapter: info.device,
    driver: info.description,
    software: info.software,
    system: {
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? "unknown",
      threads: availableParallelism(),
      memory_bytes: totalmem(),
    },
    adapters: [info, ...(await others(info))],
    features: [...gpu.features].toSorted(),
    limits: {
      maxBufferSize: gpu.limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBindingBytes,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerStage,
      maxComputeWorkgroupStorageSize: limits.maxWorkgroupStorageBytes,
      maxComputeInvocationsPerWorkgroup: limits.maxInvocationsPerWorkgroup,
      maxComputeWorkgroupsPerDimension: limits.maxWorkgroupsPerDimension,
    },
    subgroups: limits.subgroups,
    matrices: limits.matrices,
    tuning,
    rates: {
      gemm: { size: GEMM_SIZE, gflop_per_s: gemm.gflop_per_s!, largest_error: Number(gemm["largest_error"]) },
      copy,
    },
  };
}

/** Adapters of the other kind than this one. */
async function others(info: AdapterInfo): Promise<AdapterInfo[]> {
  const { NoAdapterError, openDevice } = await import("@fracture/tensor");
  try {
    using other = await openDevice({ adapter: info.software ? "hardware" : "software" });
    return [other.info];
  } catch (error) {
    if (error instanceof NoAdapterError) return [];
    throw error;
  }
}

/** The findings for people. */
export function showFindings(findings: Findings): string {
  const { system, adapters, features, limits, subgroups, matrices, tuning, rates } = findings;
  const [used, ...rest] = adapters;
  const { gemm, copy } = rates;
  const section = (title: string, pairs: readonly (readonly [string, string])[]): string =>
    `${title}\n${formatPairs(pairs)}`;
  return [
    section("System", [
      ["node", `${system.node} on ${system.platform}`],
      ["processor", `${system.processor}, ${system.threads} threads`],
      ["memory", formatBytes(system.memory_bytes)],
    ]),
    section("Device that computes", [
      ["adapter", used!.device],
      ["driver", used!.description],
      ["kind", `${used!.software ? "software, on the CPU" : "GPU"}${used!.backend ? `, by ${used!.backend}` : ""}`],
      ["features", features.filter((name) => !OBVIOUS_FEATURES.has(name)).join(", ")],
      [
        "subgroups",
        subgroups
          ? subgroups.min === subgroups.max
            ? String(subgroups.min)
            : `${subgroups.min} to ${subgroups.max}`
          : "none",
      ],
      ["matrix units", showMatrices(matrices)],
      ["products", describeTuning(tuning)],
    ]),
    ...rest.map((other) => section("Also here", [["adapter", `${other.device} (${other.description})`]])),
    section(
      "Limits",
      Object.entries(limits).map(([name, value]) => [name, name.endsWith("Size") ? formatBytes(value) : String(value)]),
    ),
    section("Measured", [
      [
        "matrix product",
        `${formatNumber(gemm.gflop_per_s)} GFLOP/s (${gemm.size} x ${gemm.size} x ${gemm.size} in f32, checked against f64)`,
      ],
      ["copy", `${formatNumber(copy.gbyte_per_s)} GB/s on the device, reads and writes counted`],
      ["upload", `${formatNumber(copy.upload_gbyte_per_s)} GB/s`],
      ["download", `${formatNumber(copy.download_gbyte_per_s)} GB/s`],
    ]),
  ].join("\n");
}

// Every device of today has these, or they are of no use to kernels.
const OBVIOUS_FEATURES = new Set(["core-features-and-limits"]);

function showMatrices(matrices: Findings["matrices"]): string {
  if (matrices.length === 0) return "none";
  const shown = matrices.map(
    ({ componentType, resultComponentType, M, N, K }) =>
      `${componentType} to ${resultComponentType} ${M} x ${N} x ${K}`,
  );
  return [...new Set(shown)].join(", ");
}
