// Training must not eat memory: ResNet-18 trains for 300 steps, and after the second one nothing may be created any more.
//
//   npm run on-device -- node benchmarks/memory.mjs [--steps 300] [--size 32] [--batch 8] [--save]
//
// Fails where a buffer, bind group or pipeline was created after step 2, or where the process grew by more than
// ALLOWED_GROWTH_MIB over the steps (by the least-squares line through its resident memory, the first tenth left out).
import { parseArgs } from "node:util";
import { capture, input, nn, openDevice, optim, softmaxCrossEntropy } from "@fracture/tensor";
import { ResNet } from "@fracture/resnet";
import { seededBatch } from "./lib/model.mjs";
import { describeRun, writeResults } from "./lib/results.mjs";
import { slopeOf } from "./lib/statistics.mjs";

/** JavaScript's own garbage, between two collections, is of this order. */
const ALLOWED_GROWTH_MIB = 8;
const CLASSES = 10;

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "300" },
    size: { type: "string", default: "32" },
    batch: { type: "string", default: "8" },
    save: { type: "boolean", default: false },
  },
});
const [steps, size, batch] = [values.steps, values.size, values.batch].map(Number);
const run = describeRun();

const device = await openDevice();
const model = new ResNet({ architecture: "resnet18", classes: CLASSES, device, generator: new nn.Generator(1) });
const images = input([batch, size, size, 3], { device });
const labels = input([batch], { device, dtype: "u32" });
const adam = new optim.Adam(model.parameters());
const program = await capture(device, () => {
  const loss = softmaxCrossEntropy(model.forward(images), labels);
  loss.backward();
  adam.step();
  return loss;
});

// Made beforehand, so that what grows is not the benchmark's own garbage.
const batches = Array.from({ length: 8 }, (_, seed) => {
  const given = seededBatch({ batch, size, seed });
  return { images: given.images, labels: given.labels.map((label) => label % CLASSES) };
});
let early;
const samples = [];
const losses = [];
for (let step = 1; step <= steps; step++) {
  const given = batches[step % batches.length];
  images.write(given.images);
  labels.write(given.labels);
  program.replay();
  losses.push(await program.result.item());
  if (step === 2) early = device.counts;
  if (step % 10 === 0) samples.push({ step, rss_mib: process.memoryUsage().rss / 2 ** 20 });
}
const late = device.counts;
const settled = samples.filter(({ step }) => step > steps / 10);
const [xs, ys] = [settled.map(({ step }) => step), settled.map(({ rss_mib }) => rss_mib)];
const slope = slopeOf(xs, ys);
const growth = slope * (xs.at(-1) - xs[0]);

console.log(`${device.info.device} (${device.info.description})`);
console.log(
  `ResNet-18, ${size} x ${size}, batch ${batch}, Adam: loss ${losses[0].toFixed(3)} -> ${losses.at(-1).toFixed(3)}`,
);
for (const key of Object.keys(late))
  console.log(`${key.padEnd(12)} step 2: ${early[key]}   step ${steps}: ${late[key]}`);
console.log(
  `resident memory ${ys[0].toFixed(0)} -> ${ys.at(-1).toFixed(0)} MiB from step ${xs[0]} on, ${(slope * 100).toFixed(2)} MiB per 100 steps`,
);
const created = Object.keys(late).filter((key) => late[key] !== early[key]);
if (created.length > 0) console.log(`FAILED: changed after step 2: ${created.join(", ")}`);
if (growth > ALLOWED_GROWTH_MIB) console.log(`FAILED: the process grew by ${growth.toFixed(1)} MiB`);
process.exitCode = created.length > 0 || growth > ALLOWED_GROWTH_MIB ? 1 : 0;

if (values.save) {
  const { info } = device;
  const adapter = { device: info.device, driver: info.description };
  const figures = { mib_per_100_steps: slope * 100, samples, losses: [losses[0], losses.at(-1)] };
  writeResults("memory", adapter, { ...run, adapter, steps, size, batch, early, late, ...figures });
}
device.close();
