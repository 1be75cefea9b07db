// Where the time of a captured program goes, kernel by kernel:
//
//   npm run on-device -- node benchmarks/profileStep.mjs [--size 64] [--batch 8] [--infer] [--rounds 3] [--each]
//
// Every distinct kernel of the program runs by itself, on memory of its own, timed by the device's timestamps where it has
// them and else by the clock. The sum is compared with the whole program's time. `--each` lists single kernels too.
import { parseArgs } from "node:util";
import { openDevice } from "@fracture/tensor";
import { captureInference, captureTraining, seededResNet } from "./lib/ours.mjs";
import { medianOf } from "./lib/statistics.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "64" },
    batch: { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
    infer: { type: "boolean", default: false },
    each: { type: "boolean", default: false },
  },
});
const [size, batch, rounds] = [values.size, values.batch, values.rounds].map(Number);

const device = await openDevice();
const { gpu } = device;
const stamps = gpu.features.has("timestamp-query")
  ? {
      set: gpu.createQuerySet({ type: "timestamp", count: 2 }),
      buffer: gpu.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC }),
      staging: gpu.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ }),
    }
  : null;

/** Runs `encode` in one pass and gives its milliseconds and those of the process on all cores. */
async function timed(encode) {
  const commands = gpu.createCommandEncoder();
  const pass = commands.beginComputePass(
    stamps ? { timestampWrites: { querySet: stamps.set, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } } : {},
  );
  encode(pass);
  pass.end();
  if (stamps) {
    commands.resolveQuerySet(stamps.set, 0, 2, stamps.buffer, 0);
    commands.copyBufferToBuffer(stamps.buffer, 0, stamps.staging, 0, 16);
  }
  const used = process.cpuUsage();
  const started = performance.now();
  gpu.queue.submit([commands.finish()]);
  await device.sync();
  const elapsed = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  const cpu = (user + system) / 1000;
  if (!stamps) return { wall: elapsed, cpu };
  await stamps.staging.mapAsync(GPUMapMode.READ);
  const [begin, end] = new BigUint64Array(stamps.staging.getMappedRange());
  const wall = Number(end - begin) / 1e6;
  stamps.staging.unmap();
  return { wall, cpu };
}

/** One buffer for the n-th operand of any kernel, as large as the largest that was asked for. */
const memory = [];
function bufferFor(index, bytes) {
  if (!memory[index] || memory[index].size < bytes) {
    memory[index]?.destroy();
    const usage = GPUBufferUsage.STORAGE;
    memory[index] = gpu.createBuffer({ size: Math.ceil(bytes / 4) * 4, usage });
  }
  return memory[index];
}

async function measure(plan) {
  const operands = Object.entries({ ...plan.operands, ...plan.workspace });
  const buffers = new Map(operands.map(([name, bytes], index) => [name, bufferFor(index, bytes)]));
  const dispatches = device.encoder.dispatches(plan, (operand) => ({ buffer: buffers.get(operand) }));
  const samples = [];
  for (let round = 0; round <= rounds; round++) {
    const sample = await timed((pass) => {
      for (const { pipeline, bindGroup, workgroups } of dispatches) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(...workgroups);
      }
    });
    if (round > 0) samples.push(sample); // the first one pages memory in
  }
  return { wall: medianOf(samples.map(({ wall }) => wall)), cpu: medianOf(samples.map(({ cpu }) => cpu)) };
}

/** "conv2d.gradWeight 3x3/2 [...]" -> "conv2d.gradWeight 3x3/2"; other kernels by their first word. */
const kindOf = ({ name }) => /^conv2d\S* \d+x\d+\/\d+/.exec(name)?.[0] ?? name.split(" ")[0];

const model = seededResNet(device);
const { program } = await (values.infer ? captureInference : captureTraining)(device, model, { size, batch });

const whole = [];
for (let round = 0; round <= rounds; round++) {
  const used = process.cpuUsage();
  const started = performance.now();
  program.replay();
  await device.sync();
  const { user, system } = process.cpuUsage(used);
  if (round > 0) whole.push({ wall: performance.now() - started, cpu: (user + system) / 1000 });
}

const kinds = new Map();
const distinct = new Map();
for (const { plan } of program.kernels) {
  let known = distinct.get(plan.name);
  if (!known) {
    known = { plan, count: 0, ...(await measure(plan)) };
    distinct.set(plan.name, known);
  }
  known.count += 1;
  const kind = kindOf(plan);
  const sum = kinds.get(kind) ?? { count: 0, wall: 0, cpu: 0, flop: 0, bytes: 0 };
  kinds.set(kind, {
    count: sum.count + 1,
    wall: sum.wall + known.wall,
    cpu: sum.cpu + known.cpu,
    flop: sum.flop + plan.flop,
    bytes: sum.bytes + plan.bytes,
  });
}

const total = [...kinds.values()].reduce((sum, { wall }) => sum + wall, 0);
const line = (name, count, { wall, cpu, flop, bytes }) =>
  console.log(
    `${name.padEnd(52)} x${String(count).padEnd(4)} ${wall.toFixed(1).padStart(9)} ms ${((wall / total) * 100).toFixed(1).padStart(5)} %  cpu ${cpu.toFixed(0).padStart(6)} ms ${(flop / wall / 1e6).toFixed(1).padStart(8)} GFLOP/s ${(bytes / wall / 1e6).toFixed(2).padStart(7)} GB/s`,
  );
const byTime = (a, b) => b.wall - a.wall;

console.log(`${device.info.device} (${device.info.description})`);
console.log(
  `ResNet-50 ${values.infer ? "forward" : "training step with Adam"}, f32, ${size} x ${size}, batch ${batch}: ${program.kernels.length} kernels, ${program.dispatches} dispatches\n`,
);
for (const [kind, sum] of [...kinds].toSorted(([, a], [, b]) => byTime(a, b))) line(kind, sum.count, sum);
if (values.each) {
  console.log("\nsingle kernels, by the time of all their runs");
  const rows = [...distinct.values()].map(({ plan, count, wall, cpu }) => ({
    name: plan.name,
    count,
    wall: wall * count,
    cpu: cpu * count,
    flop: plan.flop * count,
    bytes: plan.bytes * count,
  }));
  for (const row of rows.toSorted(byTime)) line(row.name, row.count, row);
}
const median = { wall: medianOf(whole.map(({ wall }) => wall)), cpu: medianOf(whole.map(({ cpu }) => cpu)) };
console.log(
  `\nsum of the kernels ${total.toFixed(0)} ms; the whole program ${median.wall.toFixed(0)} ms (cpu ${median.cpu.toFixed(0)} ms), ${((batch / median.wall) * 1000).toFixed(2)} images/s, ${(program.flop / median.wall / 1e6).toFixed(1)} GFLOP/s; intermediates ${(program.slotBytes / 2 ** 20).toFixed(0)} MiB`,
);
device.close();
