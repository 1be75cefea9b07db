// A training step of ResNet-50 (Adam, f32) three ways in one run, by turns: eager, captured without fusions, captured with them.
//
//   npm run on-device -- node benchmarks/fusedStep.mjs [--size 64] [--batch 8] [--rounds 5] [--kinds] [--fusions a,b]
//
// `--kinds` lists each program's dispatches by kind of pass, `--fusions` takes some of the fusions only. Medians, by the clock and by
// the process's time on all cores, which other work on the machine disturbs less.
import { parseArgs } from "node:util";
import { capture, input, openDevice, optim, softmaxCrossEntropy, tidy } from "@fracture/tensor";
import { seededBatch } from "./lib/model.mjs";
import { seededResNet } from "./lib/ours.mjs";
import { medianOf } from "./lib/statistics.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "64" },
    batch: { type: "string", default: "8" },
    rounds: { type: "string", default: "5" },
    kinds: { type: "boolean", default: false },
    fusions: { type: "string" },
  },
});
const [size, batch, rounds] = [values.size, values.batch, values.rounds].map(Number);

const device = await openDevice();
const model = seededResNet(device);
const images = input([batch, size, size, 3], { device });
const labels = input([batch], { device, dtype: "u32" });
const pictures = seededBatch({ batch, size });
images.write(pictures.images);
labels.write(pictures.labels);
const adam = new optim.Adam(model.train().parameters(), { lr: 1e-4 });
const step = () => {
  adam.zeroGrad();
  const loss = softmaxCrossEntropy(model.forward(images), labels);
  loss.backward();
  adam.step();
  return loss;
};

const unfused = await capture(device, step, { fuse: false });
const fused = await capture(device, step, { fuse: values.fusions?.split(",") ?? true });
const ways = [
  // What eager code dispatches is what is recorded; gradients are copied to the optimiser besides.
  { name: "eager", dispatches: unfused.dispatches, run: () => tidy(step).dispose(), samples: [] },
  { name: "captured", dispatches: unfused.dispatches, run: () => unfused.replay(), samples: [] },
  { name: "fused", dispatches: fused.dispatches, run: () => fused.replay(), samples: [] },
];

/** "conv2d.forward 3x3/1 | lay out": the kernel, a filter's size, and which of the kernel's passes. */
function kindOf(plan, pass) {
  const filter = /\d+x\d+\/\d+/.exec(plan.name)?.[0] ?? "";
  const part = / (lay out|pack|sums?|moments|statistics|apply|parameters)$/.exec(pass.label)?.[1] ?? "";
  return `${plan.name.split(" ")[0]} ${filter} ${part && `| ${part}`}`.replaceAll(/ +/g, " ").trim();
}

if (values.kinds) {
  for (const program of [unfused, fused]) {
    const kinds = new Map();
    for (const { plan } of program.kernels)
      for (const pass of plan.passes) kinds.set(kindOf(plan, pass), (kinds.get(kindOf(plan, pass)) ?? 0) + 1);
    console.log(
      `${program === fused ? "fused" : "unfused"}: ${program.kernels.length} kernels, ${program.dispatches} dispatches`,
    );
    for (const [kind, count] of [...kinds].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      console.log(`  ${String(count).padStart(4)}  ${kind}`);
  }
}

for (let round = 0; round <= rounds; round++) {
  for (const { run, samples } of ways) {
    const used = process.cpuUsage();
    const started = performance.now();
    run();
    await device.sync();
    const wall = performance.now() - started;
    const { user, system } = process.cpuUsage(used);
    if (round > 0) samples.push({ wall, cpu: (user + system) / 1000 }); // the first one compiles, and pages memory in
  }
}
console.log(
  `${device.info.device} (${device.info.description}), ResNet-50 training step, f32, ${size} px, batch ${batch}`,
);
const [eager] = ways;
const median = ({ samples }, key) => medianOf(samples.map((sample) => sample[key]));
for (const way of ways) {
  const [wall, cpu] = [median(way, "wall"), median(way, "cpu")];
  console.log(
    `${way.name.padEnd(9)} ${way.dispatches} dispatches (${(way.dispatches / eager.dispatches).toFixed(3)})  ${wall.toFixed(0)} ms (eager / this ${(median(eager, "wall") / wall).toFixed(2)})  processor ${cpu.toFixed(0)} ms (${(median(eager, "cpu") / cpu).toFixed(2)})`,
  );
}
device.close();
