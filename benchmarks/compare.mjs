// Ours and the peers on the same device, in one run and in turns, each in a process of its own:
//
//   node benchmarks/compare.mjs [CASE...] [--turns 2] [--save]
//
// Every side gets the same weights and pictures, and the results must agree before a ratio is printed. `--save` writes
// the figures to benchmarks/results/. The peers are installed from their own lock file at the first run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { must } from "../scripts/lib/run.mjs";
import { main, say, SetupError } from "../scripts/lib/workspace.mjs";
import { describeRun, writeResults } from "./lib/results.mjs";
import { prepareProcesses } from "./lib/spawn.mjs";
import { medianOf, relativeDifference } from "./lib/statistics.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const peers = join(here, "peers");
const SCRIPTS = {
  fracture: join(here, "lib", "ours.mjs"),
  tfjs: join(peers, "tfjs.mjs"),
  onnxruntime: join(peers, "onnxruntime.mjs"),
};

/** `rounds` of ours; a peer's are fewer where a step takes half a minute. */
const CASES = {
  "train-64": { kind: "train", size: 64, batch: 8, warmup: 1, rounds: 5, peers: { tfjs: 2 } },
  "train-224": { kind: "train", size: 224, batch: 2, warmup: 1, rounds: 5, peers: { tfjs: 2 } },
  "infer-224": { kind: "infer", size: 224, batch: 4, warmup: 1, rounds: 5, peers: { onnxruntime: 5, tfjs: 3 } },
};
/** Losses step by step, and logits by their norm. f32 sums in another order differ by less than a tenth of this. */
const AGREEMENT = 1e-3;

async function installPeers() {
  const lock = readFileSync(join(peers, "package-lock.json"), "utf8");
  const stamp = join(peers, "node_modules", ".installed-lock.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("installing the peers (once; about 0.6 GB)");
  // Their install scripts would fetch CUDA and other things that are not wanted.
  await must("npm", ["ci", "--prefix", peers, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, lock);
}

async function compare(name, start, turns) {
  const { peers: rivals, rounds, ...task } = CASES[name];
  const sides = { fracture: rounds, ...rivals };
  const outputs = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let turn = 1; turn <= turns; turn++) {
    for (const [side, own] of Object.entries(sides)) {
      say(`${name}, turn ${turn} of ${turns}: ${side}`);
      outputs[side].push(await start(SCRIPTS[side], { ...task, rounds: own }));
    }
  }
  const ours = outputs.fracture[0];
  const rows = Object.entries(outputs).map(([side, runs]) => {
    const differences = runs.map(({ results }) => relativeDifference(results, ours.results));
    const difference = Math.max(...differences);
    if (difference > AGREEMENT)
      throw new SetupError(
        `${name}: ${side} and fracture disagree: their ${task.kind === "train" ? "losses" : "logits"} differ by ${difference.toExponential(1)}, more than ${AGREEMENT}`,
      );
    const median = medianOf(runs.flatMap(({ wall_ms }) => wall_ms));
    const cpu = medianOf(runs.flatMap(({ cpu_ms }) => cpu_ms));
    return {
      name: side,
      versions: runs[0].versions,
      adapter: runs[0].adapter,
      median_ms: median,
      median_cpu_ms: cpu,
      images_per_s: (task.batch / median) * 1000,
      wall_ms: runs.map(({ wall_ms }) => wall_ms),
      cpu_ms: runs.map(({ cpu_ms }) => cpu_ms),
      difference,
    };
  });
  for (const { name: side, adapter } of rows) {
    if (JSON.stringify(adapter) !== JSON.stringify(rows[0].adapter))
      throw new SetupError(`${name}: ${side} ran on ${adapter.device}, fracture on ${rows[0].adapter.device}`);
  }
  return { name, ...task, rows: rows.map((row) => withRatios(row, rows[0])) };
}

const withRatios = (row, ours) => ({
  ...row,
  ours_faster: row.median_ms / ours.median_ms,
  ours_faster_by_cpu: row.median_cpu_ms / ours.median_cpu_ms,
});

function show({ name, kind, size, batch, rows }) {
  console.log(
    `\n${name}: ResNet-50 ${kind === "train" ? "training step with Adam" : "forward"}, f32, ${size} x ${size}, batch ${batch}`,
  );
  console.log(
    "                 median ms   images/s   cpu ms     ours is faster by   (by cpu)   difference of results",
  );
  for (const row of rows) {
    const ratio =
      row.name === "fracture" ? ["", ""] : [row.ours_faster, row.ours_faster_by_cpu].map((x) => `${x.toFixed(2)} x`);
    const figures = [row.median_ms.toFixed(0), row.images_per_s.toFixed(2), row.median_cpu_ms.toFixed(0)];
    console.log(
      `${row.name.padEnd(14)}${figures[0].padStart(12)}${figures[1].padStart(11)}${figures[2].padStart(9)}${ratio[0].padStart(22)}${ratio[1].padStart(11)}${row.difference.toExponential(1).padStart(24)}`,
    );
  }
}

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { turns: { type: "string", default: "2" }, save: { type: "boolean", default: false } },
  });
  const turns = Number(values.turns);
  if (!Number.isInteger(turns) || turns < 1) throw new SetupError(`--turns ${values.turns}: expected a number from 1`);
  for (const name of positionals) {
    if (!(name in CASES)) throw new SetupError(`there is no case ${name}: expected ${Object.keys(CASES).join(", ")}`);
  }
  await installPeers();
  const start = await prepareProcesses();
  const run = describeRun();
  const cases = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(CASES)) {
    cases.push(await compare(name, start, turns));
    show(cases.at(-1));
  }
  const { adapter } = cases[0].rows[0];
  console.log(`\non ${adapter.device} (${adapter.driver})`);
  if (values.save) writeResults("compare", adapter, { ...run, adapter, cases });
});
