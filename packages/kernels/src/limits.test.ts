import { expect, it } from "vitest";
import { isSoftware, limitsOf } from "./limits.ts";
import { describeGpu } from "./testing/index.ts";

/** As Dawn gives it: nothing of its own, getters on the prototype. */
class Config {
  get componentType() {
    return "f16";
  }
  get resultComponentType() {
    return "f32";
  }
  get M() {
    return 16;
  }
  get N() {
    return 8;
  }
  get K() {
    return 4;
  }
}

const info = (named: Partial<GPUAdapterInfo>) =>
  ({
    device: "NVIDIA H100",
    description: "",
    architecture: "",
    isFallbackAdapter: false,
    ...named,
  }) as GPUAdapterInfo;

it("a software device is known by the browsers' flag or by its driver's name", () => {
  expect(isSoftware(info({}))).toBe(false);
  expect(isSoftware(info({ isFallbackAdapter: true }))).toBe(true);
  expect(isSoftware(info({ device: "llvmpipe (LLVM 19.1.7, 256 bits)" }))).toBe(true);
  expect(isSoftware(info({ description: "Microsoft Basic Render Driver" }))).toBe(true);
  expect(isSoftware(info({ architecture: "swiftshader" }))).toBe(true);
});

describeGpu("the limits of a device", (gpu) => {
  it("are plain data: a copy and JSON have all of them, its matrix units too", () => {
    const reported = { ...info({}), subgroupMatrixConfigs: [new Config()] };
    const limits = limitsOf(gpu().device, reported);
    expect(limits.matrices).toStrictEqual([{ componentType: "f16", resultComponentType: "f32", M: 16, N: 8, K: 4 }]);
    expect(structuredClone(limits)).toStrictEqual(limits);
    expect(JSON.parse(JSON.stringify(limits))).toStrictEqual(limits);
    expect(JSON.parse(JSON.stringify(gpu().limits))).toStrictEqual(gpu().limits);
  });
});
