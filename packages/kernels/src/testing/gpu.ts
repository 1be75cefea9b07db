import { create, globals } from "webgpu";
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { encodeDispatch, KernelEncoder } from "../encode.ts";
import { limitsOf, type DeviceLimits } from "../limits.ts";
import type { KernelPlan } from "../plan.ts";

export interface TestGpu {
  readonly device: GPUDevice;
  readonly limits: DeviceLimits;
  readonly encoder: KernelEncoder;
}

type Values =
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>;

/** Opens an adapter with everything that plans can use; null where there is none. */
export async function openTestGpu(): Promise<(TestGpu & { close: () => void }) | null> {
  Object.assign(globalThis, globals);
  let gpu: GPU | null = create(["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia"]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const wanted = [
    "shader-f16",
    "subgroups",
    "timestamp-query",
    "chromium-experimental-subgroup-matrix",
  ] as GPUFeatureName[];
  const l = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxBufferSize: l.maxBufferSize,
      maxStorageBufferBindingSize: l.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: l.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: l.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: l.maxComputeWorkgroupSizeX,
      maxStorageBuffersPerShaderStage: l.maxStorageBuffersPerShaderStage,
    },
  });
  const close = () => {
    device.destroy();
    // It may keep the process alive; but Dawn crashes if it is collected before the loss of the device was reported.
    void device.lost.then(() => setTimeout(() => (gpu = null)));
  };
  return { device, limits: limitsOf(device, adapter.info), encoder: new KernelEncoder(device), close };
}

/**
 * A `describe` whose tests get a GPU: `describeGpu("matmul", (gpu) => { it(..., () => run(gpu(), ...)) })`.
 * Without an adapter its tests are skipped visibly, or fail where FRACTURE_REQUIRE_GPU is set.
 */
export function describeGpu(title: string, define: (gpu: () => TestGpu) => void): void {
  describe(title, () => {
    let opened: (TestGpu & { close: () => void }) | null = null;
    beforeAll(async () => {
      opened = await openTestGpu();
      if (!opened && process.env["FRACTURE_REQUIRE_GPU"])
        throw new Error("no WebGPU adapter, and FRACTURE_REQUIRE_GPU is set");
    });
    afterAll(() => opened?.close());
    beforeEach((context) => {
      if (!opened) context.skip("no WebGPU adapter");
    });
    define(() => {
      if (!opened) throw new Error("no WebGPU adapter");
      return opened;
    });
  });
}

/**
 * Runs a plan once on these operands and reads back the written ones (as f32 unless `types` says otherwise).
 * Operands that are not given, and workspaces, are poisoned with NaN bits, so that an element that is never written
 * shows. `offsets` are not supported: each operand is a buffer of its own.
 */
export async function runPlan(
  { device, encoder }: TestGpu,
  plan: KernelPlan,
  inputs: Readonly<Record<string, Values>>,
): Promise<Record<string, Float32Array<ArrayBuffer>>> {
  const buffers = new Map<string, GPUBuffer>();
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  for (const [name, bytes] of Object.entries({ ...plan.operands, ...plan.workspace })) {
    const buffer = device.createBuffer({ label: name, size: Math.ceil(bytes / 4) * 4, usage });
    const given = inputs[name];
    device.queue.writeBuffer(buffer, 0, given ? padded(given) : new Uint32Array(buffer.size / 4).fill(0x7fc07fc0));
    buffers.set(name, buffer);
  }
  const bind = (operand: string): GPUBufferBinding => ({ buffer: buffers.get(operand)! });
  device.pushErrorScope("validation");
  const commands = device.createCommandEncoder();
  const pass = commands.beginComputePass();
  for (const dispatch of encoder.dispatches(plan, bind)) encodeDispatch(pass, dispatch);
  pass.end();
  const written = new Set(
    plan.passes.flatMap((p) => p.bindings.filter((b) => b.access === "read_write").map((b) => b.operand)),
  );
  const readings = [...written]
    .filter((name) => name in plan.operands)
    .map((name) => {
      const source = buffers.get(name)!;
      const staging = device.createBuffer({
        size: source.size,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      commands.copyBufferToBuffer(source, 0, staging, 0, source.size);
      return { name, staging };
    });
  device.queue.submit([commands.finish()]);
  const invalid = await device.popErrorScope();
  if (invalid) throw new Error(invalid.message);
  const result: Record<string, Float32Array<ArrayBuffer>> = {};
  for (const { name, staging } of readings) {
    await staging.mapAsync(GPUMapMode.READ);
    result[name] = new Float32Array(staging.getMappedRange().slice(0));
    staging.destroy();
  }
  for (const buffer of buffers.values()) buffer.destroy();
  return result;
}

function padded(values: Values): Values {
  if (values.byteLength % 4 === 0) return values;
  const bytes = new Uint8Array(Math.ceil(values.byteLength / 4) * 4);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return bytes;
}
