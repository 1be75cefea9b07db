// Run in a child process, since a driver may crash: opens the adapter that Dawn offers first, computes on it, and prints
// what it is as a line of JSON. No such line: there is none, or it does not work.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The package `webgpu` is a dependency of packages/tensor, whose package.json is the argument.
const { create, globals } = await import(pathToFileURL(createRequire(process.argv[2]).resolve("webgpu")).href);
Object.assign(globalThis, globals);

let root = create([]);
const adapter = await root.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) throw new Error("Dawn offers no adapter");
const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
const gpu = await adapter.requestDevice();
const code =
  "@group(0) @binding(0) var<storage, read_write> x: array<u32>; @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) i: vec3u) { x[i.x] = x[i.x] * 7u; }";
const pipeline = gpu.createComputePipeline({ layout: "auto", compute: { module: gpu.createShaderModule({ code }) } });
const buffer = gpu.createBuffer({
  size: 16,
  usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
});
const staging = gpu.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
gpu.queue.writeBuffer(buffer, 0, new Uint32Array([1, 2, 3, 4]));
const commands = gpu.createCommandEncoder();
const pass = commands.beginComputePass();
pass.setPipeline(pipeline);
pass.setBindGroup(
  0,
  gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }),
);
pass.dispatchWorkgroups(1);
pass.end();
commands.copyBufferToBuffer(buffer, 0, staging, 0, 16);
gpu.queue.submit([commands.finish()]);
await staging.mapAsync(GPUMapMode.READ);
const computed = String(new Uint32Array(staging.getMappedRange()));
if (computed !== "7,14,21,28") throw new Error(`the device computed ${computed} instead of 7,14,21,28`);

const software =
  isFallbackAdapter ||
  /llvmpipe|lavapipe|swiftshader|basic render|warp/i.test(`${device} ${description} ${architecture}`);
console.log(JSON.stringify({ vendor, architecture, device, description, software }));
gpu.destroy();
root = null; // Dawn keeps the process alive while this is referenced, and may crash in process.exit()
