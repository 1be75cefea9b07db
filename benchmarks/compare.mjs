// Ours and the peers on the same device, in one run and in turns, each in a process of its own:
//
//   node benchmarks/compare.mjs [CASE...] [--turns 2] [--out FOLDER | --save]
//
// Every side gets the same weights and pictures, and the results must agree before a ratio is printed. `--save` writes
// the figures to benchmarks/results/. The peers are installed from their own lock files at the first run; PyTorch is the machine's.
import { parseArgs } from "node:util";
import { main, SetupError } from "../scripts/lib/workspace.mjs";
import { CASES } from "./lib/cases.mjs";
import { compare } from "./lib/comparison.mjs";
import { describeRun, writeResults } from "./lib/results.mjs";
import { prepareSides } from "./lib/sides.mjs";
import { showCase } from "./lib/table.mjs";

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      turns: { type: "string", default: "2" },
      out: { type: "string" },
      save: { type: "boolean", default: false },
    },
  });
  const turns = Number(values.turns);
  if (!Number.isInteger(turns) || turns < 1) throw new SetupError(`--turns ${values.turns}: expected a number from 1`);
  for (const name of positionals) {
    if (!(name in CASES)) throw new SetupError(`there is no case ${name}: expected ${Object.keys(CASES).join(", ")}`);
  }
  const names = positionals.length > 0 ? positionals : Object.keys(CASES);
  const start = await prepareSides(new Set(names.flatMap((name) => Object.keys(CASES[name].sides))));
  const run = describeRun();
  const cases = [];
  for (const name of names) {
    cases.push(await compare(name, CASES[name], start, turns));
    const { failed } = cases.at(-1);
    if (failed) throw new SetupError(`${name}: ${failed}`);
    showCase(cases.at(-1));
  }
  const { adapter } = cases[0].rows[0];
  console.log(`\non ${adapter.device} (${adapter.driver})`);
  if (values.save || values.out) writeResults("compare", adapter, { ...run, adapter, cases }, { folder: values.out });
});
