// Matrix products and ResNet-50's convolutions on the device at hand: milliseconds and GFLOP/s of each, for tuning.
//
//   npx tsc -b packages/kernels
//   npm run -s on-device -- node packages/kernels/bench/products.bench.mjs 64,8 224,2 [--rounds 3] [--only 3x3] [--robust]
//
// "64,8": the convolutions of images of 64 x 64, batch 8. --only: of these, the plans with this in their names; --robust: with
// Dawn's bounds checks. "cpu" is the process's time on all cores, and the rate as if all of them had been at work all the time:
// on a shared machine with a software device it is steadier than the wall clock.
import { availableParallelism } from "node:os";
import { create, globals } from "webgpu";
import {
  encodeDispatch,
  KernelEncoder,
  limitsOf,
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
  planMatmul,
  resnet50ConvShapes,
} from "../dist/index.js";

Object.assign(globalThis, globals);
const option = (name, fallback) =>
  process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : fallback;
const rounds = Number(option("--rounds", "3"));
const only = option("--only", "");
const runs = process.argv
  .slice(2)
  .filter((text) => /^\d+,\d+$/.test(text))
  .map((text) => text.split(",").map(Number));

let gpu = create([
  `enable-dawn-features=allow_unsafe_apis${process.argv.includes("--robust") ? "" : ",disable_robustness"}`,
]);
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) throw new Error("no WebGPU adapter: run it by npm run -s on-device -- node ...");
const { limits } = adapter;
const device = await adapter.requestDevice({
  requiredFeatures: ["subgroups"].filter((feature) => adapter.features.has(feature)),
  requiredLimits: {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  },
});
const encoder = new KernelEncoder(device);
const deviceLimits = limitsOf(device, adapter.info);
console.log(`${adapter.info.device} ${adapter.info.description}`);

const { STORAGE, COPY_DST } = GPUBufferUsage;
const pool = new Map(); // one buffer an operand, as large as the largest plan needs
function bufferFor(name, bytes) {
  const known = pool.get(name);
  if (known && known.size >= bytes) return known;
  known?.destroy();
  const size = Math.ceil(bytes / 4) * 4;
  const buffer = device.createBuffer({ size, usage: STORAGE | COPY_DST });
  const values = Float32Array.from({ length: size / 4 }, (_, i) => ((i * 2654435761) % 1024) / 1024 - 0.5);
  device.queue.writeBuffer(buffer, 0, values);
  pool.set(name, buffer);
  return buffer;
}

async function measure(plan) {
  const buffers = Object.fromEntries(
    Object.entries({ ...plan.operands, ...plan.workspace }).map(([name, bytes]) => [name, bufferFor(name, bytes)]),
  );
  const started = performance.now();
  await encoder.prepare([plan]);
  const compiled = performance.now() - started;
  const dispatches = encoder.dispatches(plan, (name) => ({ buffer: buffers[name] }));
  let wall = Infinity;
  let cpu = Infinity;
  for (let round = 0; round <= rounds; round++) {
    const commands = device.createCommandEncoder();
    const pass = commands.beginComputePass();
    for (const dispatch of dispatches) encodeDispatch(pass, dispatch);
    pass.end();
    const before = process.cpuUsage();
    const start = performance.now();
    device.queue.submit([commands.finish()]);
    await device.queue.onSubmittedWorkDone();
    if (round === 0) continue; // warm-up
    const used = process.cpuUsage(before);
    wall = Math.min(wall, performance.now() - start);
    cpu = Math.min(cpu, (used.user + used.system) / 1000);
  }
  return { wall, cpu, compiled };
}

const cores = availableParallelism();
const show = (name, { flop }, { wall, cpu, compiled }) =>
  console.log(
    `${name.padEnd(44)} ${wall.toFixed(2).padStart(8)} ms ${(flop / wall / 1e6).toFixed(1).padStart(6)} GFLOP/s   cpu ${cpu.toFixed(2).padStart(8)} ms ${((flop / cpu / 1e6) * cores).toFixed(1).padStart(6)}${compiled === undefined ? "" : `   compiled in ${compiled.toFixed(0)} ms`}`,
  );

if (!only) {
  for (const [transposeA, transposeB] of [
    [false, false],
    [false, true],
    [true, false],
  ]) {
    const plan = planMatmul({ m: 1024, n: 1024, k: 1024, transposeA, transposeB }, deviceLimits);
    show(plan.name, plan, await measure(plan));
  }
}
for (const [size, batch] of runs) {
  const total = {};
  for (const { name, count, geometry } of resnet50ConvShapes(size, batch)) {
    for (const planOf of [planConv2dForward, planConv2dGradInput, planConv2dGradWeight]) {
      const plan = planOf(geometry, deviceLimits);
      if (only && !plan.name.includes(only)) continue;
      const result = await measure(plan);
      show(plan.name.replace("conv2d.", ""), plan, result);
      if (name === "conv1" && planOf === planConv2dGradInput) continue; // training needs no gradient of the images
      const product = plan.name.split(" ")[0];
      const sum = (total[product] ??= { flop: 0, wall: 0, cpu: 0 });
      sum.flop += plan.flop * count;
      sum.wall += result.wall * count;
      sum.cpu += result.cpu * count;
    }
  }
  const all = { flop: 0, wall: 0, cpu: 0 };
  for (const [product, sum] of Object.entries(total)) {
    show(`total ${product} ${size}, batch ${batch}`, sum, sum);
    for (const key of Object.keys(all)) all[key] += sum[key];
  }
  show(`total ${size}, batch ${batch}`, all, all);
  console.log(
    `bound: ${((batch / all.wall) * 1000).toFixed(3)} images/s by the wall clock, ${((batch / all.cpu) * 1000 * cores).toFixed(3)} by the processors' time`,
  );
}
device.destroy();
// It keeps the process alive; but Dawn crashes if it is collected before the loss of the device was reported.
await device.lost;
setTimeout(() => (gpu = null));
