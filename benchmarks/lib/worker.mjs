// One side of a comparison in a process of its own: it is told what to measure by its argument and prints one line of JSON.
import { seededBatch } from "./model.mjs";
import { medianOf } from "./statistics.mjs";

/** Adam's rate in the training cases. */
export const LEARNING_RATE = 1e-4;

/**
 * Runs a side. `open()` gives { adapter, versions, train(task), infer(task), close() }, where train and infer give a function
 * of (images, labels) that does one step: from pictures in host memory to the loss, or the logits, in host memory.
 */
export async function worker(name, open) {
  const task = JSON.parse(process.argv[2] ?? "null");
  if (!task) throw new Error("the task is missing: this is started by benchmarks/compare.mjs");
  const { kind, warmup, rounds } = task;
  const side = await open();
  const step = await side[kind](task);
  const { images, labels } = seededBatch(task);
  const results = [];
  const wall = [];
  const cpu = [];
  for (let round = 0; round < warmup + rounds; round++) {
    const used = process.cpuUsage();
    const started = performance.now();
    const result = await step(images, labels);
    const elapsed = performance.now() - started;
    const { user, system } = process.cpuUsage(used);
    if (kind === "train") results.push(...result); // the losses, step by step
    if (kind === "infer" && round === 0) results.push(...result);
    if (round < warmup) continue;
    wall.push(elapsed);
    cpu.push((user + system) / 1000);
  }
  const { adapter, versions } = side;
  const medians = { median_ms: medianOf(wall), median_cpu_ms: medianOf(cpu) };
  console.log(JSON.stringify({ name, adapter, versions, ...medians, wall_ms: wall, cpu_ms: cpu, results }));
  await side.close();
}
