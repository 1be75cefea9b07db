// One side of a comparison in a process of its own: it is told what to measure by its argument and prints one line of JSON.
// peers/pytorch/peer.py does the same in Python.
import { seededBatch } from "./model.mjs";

/** Adam's rate in the training cases. */
export const LEARNING_RATE = 1e-4;
/** A round this long drowns what it costs to start it and to hear that it has ended. */
const ROUND_MS = 20;
const MOST_PER_ROUND = 256;

/**
 * Runs a side. `open()` gives { adapter, versions, train(task), infer(task), kernel(part), close() }, those that the side has:
 *
 *   train, infer   give { write(images, labels), run(times) }: steps, and what the last one gave, the loss or the logits
 *   kernel         gives { run(times), results(), close() } for a part of lib/kernelParts.mjs: its samples, or null where a copy has none
 *
 * `dispatches()` beside them tells how many a step took, where that is known.
 */
export async function worker(name, open) {
  const task = JSON.parse(process.argv[2] ?? "null");
  if (!task) throw new Error("the task is missing: this is started by benchmarks/compare.mjs");
  const side = await open(task);
  const parts = [];
  if (task.parts) {
    for (const part of task.parts) {
      const kernel = await side.kernel(part);
      parts.push(await measureKernel(kernel, part, task));
      await kernel.close();
    }
  } else {
    parts.push(await measureNetwork(await side[task.kind](task), task));
  }
  const { adapter, versions } = side;
  console.log(JSON.stringify({ name, adapter, versions, parts }));
  await side.close();
}

async function measureKernel(kernel, { name }, task) {
  await kernel.run(1);
  const results = await kernel.results();
  const times = await timesPerRound(kernel);
  return { name, times, results, ...(await rounds(task, () => kernel.run(times), times)) };
}

async function measureNetwork(network, task) {
  const { images, labels } = seededBatch(task);
  const results = []; // the losses, step by step; or the logits of the first
  const training = task.kind === "train";
  network.write(images, labels);
  const times = task.resident ? await calibrated() : 1;
  async function calibrated() {
    for (let step = 0; step < task.warmup; step++) note(await network.run(1));
    return timesPerRound(network);
  }
  function note(result) {
    if (training || results.length === 0) results.push(...result);
  }
  const timing = await rounds(
    task.resident ? { ...task, warmup: 1 } : task,
    async () => {
      if (!task.resident) network.write(images, labels);
      const result = await network.run(times);
      if (!task.resident) note(result);
    },
    times,
  );
  return { name: "", times, results, dispatches: network.dispatches?.() ?? null, ...timing };
}

async function timesPerRound(work) {
  const started = performance.now();
  await work.run(1);
  const once = performance.now() - started;
  return Math.min(MOST_PER_ROUND, Math.max(1, Math.ceil(ROUND_MS / once)));
}

/** Milliseconds of one of the `times` that each round does, and of the processor. */
async function rounds({ warmup, rounds: count }, body, times) {
  const wall = [];
  const cpu = [];
  for (let round = 0; round < warmup + count; round++) {
    const used = process.cpuUsage();
    const started = performance.now();
    await body();
    const elapsed = performance.now() - started;
    const { user, system } = process.cpuUsage(used);
    if (round < warmup) continue;
    wall.push(elapsed / times);
    cpu.push((user + system) / 1000 / times);
  }
  return { wall_ms: wall, cpu_ms: cpu };
}
