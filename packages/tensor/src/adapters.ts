import { create, globals } from "webgpu";
import { isSoftware, limitsOf, type Choices, type DeviceLimits } from "@fracture/kernels";
import { NoAdapterError } from "./errors.ts";

/** Which adapter to open. "auto" takes a GPU where there is one, else a software device. */
export type AdapterChoice = "auto" | "hardware" | "software";

/** What the driver says of its device. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  /** The GPU's name as its driver gives it. */
  readonly device: string;
  /** The driver's name and version. */
  readonly description: string;
  readonly backend: string;
  /** True where the CPU does the work. */
  readonly software: boolean;
}

/** An adapter that was found, and its hold on the process. */
export interface OpenedAdapter {
  readonly adapter: GPUAdapter;
  readonly info: AdapterInfo;
  /** Lets go of Dawn's root object, which may keep the process alive. */
  readonly release: () => void;
}

// Why each: see docs/architecture.md, "The device".
const TOGGLES = [
  "allow_unsafe_apis",
  "vulkan_enable_f16_on_nvidia",
  "disable_polyfills_on_integer_div_and_mod",
  "disable_workgroup_init",
];

/** How to open a device. */
export interface AdapterOptions {
  readonly adapter?: AdapterChoice;
  /** Bounds checks in every kernel (Dawn's robustness). Off by default: plans never read out of bounds, and are tested with it on. */
  readonly robustness?: boolean;
  /**
   * Which variants of products were measured to be the fastest on the device that was found (see `fracture bench tune`). They change
   * results by rounding at the most. Default: none, so that every plan goes by its rule.
   */
  readonly choices?: (info: AdapterInfo) => Choices | Promise<Choices>;
}

/** Names by which Dawn finds a software device where a GPU is there too; its `forceFallbackAdapter` knows only one of them. */
const SOFTWARE_DEVICES = ["llvmpipe", "SwiftShader", "Microsoft Basic Render"];

/** Asks Dawn for an adapter. Throws a NoAdapterError with what to install. */
export async function openAdapter({
  adapter: choice = "auto",
  robustness = false,
}: AdapterOptions = {}): Promise<OpenedAdapter> {
  Object.assign(globalThis, globals);
  const enabled = robustness ? TOGGLES : [...TOGGLES, "disable_robustness"];
  const flags = [`enable-dawn-features=${enabled.join(",")}`, "disable-dawn-features=timestamp_quantization"];
  // Dawn's own choice first; a software device beside a GPU has to be asked for by name.
  const names = choice === "software" ? [null, ...SOFTWARE_DEVICES] : [null];
  for (const name of names) {
    const found = await request(name === null ? flags : [...flags, `adapter=${name}`]);
    if (found && (choice === "auto" || found.info.software === (choice === "software"))) return found;
  }
  throw new NoAdapterError(choice === "auto" ? "usable" : choice);
}

async function request(flags: string[]): Promise<OpenedAdapter | null> {
  let gpu: GPU | null = create(flags);
  // Dawn throws where a name is given and no adapter has it.
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  const release = (): void => {
    gpu = null;
  };
  return adapter && { adapter, info: describeAdapter(adapter), release };
}

function describeAdapter(adapter: GPUAdapter): AdapterInfo {
  const { vendor, architecture, device, description } = adapter.info;
  const backend = (adapter.info as GPUAdapterInfo & { readonly backendType?: string }).backendType ?? "";
  return { vendor, architecture, device, description, backend, software: isSoftware(adapter.info) };
}

const WANTED_FEATURES = [
  "shader-f16",
  "subgroups",
  "timestamp-query",
  "chromium-experimental-subgroup-matrix",
] as const;

/** Opens the adapter's device with every feature that kernels can use and the limits that the adapter has. */
export async function requestDevice({ adapter }: OpenedAdapter): Promise<{ gpu: GPUDevice; limits: DeviceLimits }> {
  const features = WANTED_FEATURES.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  const { limits } = adapter;
  const gpu = await adapter.requestDevice({
    requiredFeatures: features,
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    },
  });
  return { gpu, limits: limitsOf(gpu, adapter.info) };
}
