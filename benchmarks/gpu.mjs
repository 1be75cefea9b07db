// Everything that is measured on a GPU, in one command, with PyTorch beside ours where a python3 with torch is there:
//
//   node benchmarks/gpu.mjs [CASE...] [--out FOLDER] [--turns 1] [--small]
//   ./fracture-bench [CASE...] --out FOLDER          in the portable archive
//
// Writes <date>-<adapter>-gpu.json, anew after each case, so that a run that is cut short keeps what it had. A case that fails is
// named there and the others go on; the exit code is then 1. `--small` runs every case at sizes that a software device does
// in minutes: it proves that the programs work and agree, and measures nothing.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { capture } from "../scripts/lib/run.mjs";
import { main, say, SetupError } from "../scripts/lib/workspace.mjs";
import { gpuCases } from "./lib/cases.mjs";
import { compare } from "./lib/comparison.mjs";
import { describeRun, writeResults } from "./lib/results.mjs";
import { prepareSides } from "./lib/sides.mjs";
import { showCase } from "./lib/table.mjs";
import { judge } from "./lib/targets.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the command line tells by itself: the device, and where a step's time goes. */
function reportsOf({ small }) {
  const [size, batch] = small ? [32, 4] : [224, 128];
  const step = `bench step --arch resnet50 --size ${size} --batch-size ${batch} --explain --each --json`.split(" ");
  return { doctor: ["doctor", "--json"], "step-f32": step, "step-mixed": [...step, "--precision", "mixed"] };
}

/** A report's JSON, or { failed: what it said }. */
async function report(args) {
  const { code, stdout, stderr } = await capture(join(root, "fracture"), args);
  return code === 0 ? JSON.parse(stdout) : { failed: lastLines(stderr || stdout) };
}

function lastLines(text) {
  return text.trim().split("\n").slice(-8).join("\n");
}

/** The driver's own words, where NVIDIA's tool is there. */
async function nvidia() {
  const { code, stdout } = await capture("nvidia-smi", [
    "--query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit",
    "--format=csv,noheader",
  ]);
  return code === 0 ? stdout.trim() : null;
}

function showTargets(targets) {
  console.log("\nwhat ours is to reach, as a multiple of the other's speed unless it says otherwise");
  for (const { name, least, most, aim, value, met } of targets) {
    const wanted = most === undefined ? `at least ${least}, aim ${aim}` : `at most ${most}`;
    const found = value === null ? "not measured" : `${value.toPrecision(3)}${met ? "" : "  MISSED"}`;
    console.log(`${name.padEnd(78)}${wanted.padEnd(26)}${found}`);
  }
}

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: "string" },
      turns: { type: "string", default: "1" },
      small: { type: "boolean", default: false },
    },
  });
  const all = gpuCases(values);
  const reports = reportsOf(values);
  const names = positionals.length > 0 ? positionals : [...Object.keys(all), ...Object.keys(reports)];
  for (const name of names) {
    if (!(name in all || name in reports))
      throw new SetupError(
        `there is no case ${name}: expected ${[...Object.keys(all), ...Object.keys(reports)].join(", ")}`,
      );
  }
  const sides = new Set(names.flatMap((name) => Object.keys(all[name]?.sides ?? {})));
  const start = await prepareSides(sides);
  const run = { ...describeRun(), nvidia: await nvidia(), small: values.small };
  const measured = { cases: {}, reports: {} };
  const judged = () => (values.small ? null : judge(measured));
  let [adapter, failed] = [null, false];
  for (const name of names) {
    if (name in reports) {
      say(`fracture ${reports[name].join(" ")}`);
      measured.reports[name] = await report(reports[name]);
      adapter ??= adapterOf(measured.reports[name]);
    } else {
      try {
        measured.cases[name] = await compare(name, all[name], start, Number(values.turns));
        adapter ??= measured.cases[name].rows[0].adapter;
        showCase(measured.cases[name]);
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        measured.cases[name] = { name, failed: error.message };
      }
    }
    const reason = (measured.reports[name] ?? measured.cases[name]).failed;
    if (reason) {
      failed = true;
      say(`${name} FAILED: ${reason}`);
    }
    writeResults(
      "gpu",
      adapter ?? { device: "none" },
      { ...run, adapter, targets: judged(), ...measured },
      { folder: values.out, quiet: name !== names.at(-1) },
    );
  }
  if (values.small) say("small sizes: these figures say nothing about speed");
  else showTargets(judged());
  return failed ? 1 : 0;
});

function adapterOf({ adapter, driver }) {
  return adapter ? { device: adapter, driver } : null;
}
