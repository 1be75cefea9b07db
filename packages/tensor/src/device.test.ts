import { expect, it } from "vitest";
import { ones } from "./create.ts";
import { openDevice } from "./device.ts";
import { GpuError, NoAdapterError, TensorError } from "./errors.ts";
import { add } from "./ops/binary.ts";
import { describeDevice } from "./testing/index.ts";

describeDevice("a device", (device) => {
  it("is a GPU or a software stand-in, and the other kind is refused with what to install", async () => {
    const { software } = device().info;
    expect(device().limits.deviceClass).toBe(software ? "cpu" : "gpu");
    if (!software) return;
    const refused = openDevice({ adapter: "hardware" });
    await expect(refused).rejects.toThrow(NoAdapterError);
    await expect(refused).rejects.toThrow(/^no hardware WebGPU adapter\. Install a Vulkan driver/);
    using own = await openDevice({ adapter: "software" });
    expect(own.info).toEqual(device().info);
  });

  it("has the adapter's own limits, above WebGPU's least", () => {
    const { limits } = device();
    expect(limits.maxInvocationsPerWorkgroup).toBe(device().gpu.limits.maxComputeInvocationsPerWorkgroup);
    expect(limits.maxStorageBindingBytes).toBeGreaterThanOrEqual(134_217_728);
    expect(limits.maxWorkgroupStorageBytes).toBeGreaterThanOrEqual(16_384);
  });

  it("throws what the GPU reports late at the next reading", async () => {
    const own = await openDevice();
    const x = ones([1], { device: own });
    own.gpu.createBuffer({ size: 16, usage: 0 });
    await expect(own.sync()).rejects.toThrow(GpuError);
    await expect(x.data()).rejects.toThrow(/^GPU validation: /);
    own.close();
  });

  it("keeps to its own tensors", async () => {
    using own = await openDevice();
    const [x, y] = [ones([1], { device: device() }), ones([1], { device: own })];
    expect(() => add(x, y)).toThrow(new TensorError("add", "its tensors are on different devices"));
  });
});
