// How long someone waits for the first prediction of ResNet-50 at 224: from the process's start to the logits, with an
// empty cache of compiled shaders (Mesa's) and with a filled one.
//
//   node benchmarks/firstPrediction.mjs [--turns 3] [--save]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { main, SetupError } from "../scripts/lib/workspace.mjs";
import { describeRun, writeResults } from "./lib/results.mjs";
import { prepareProcesses } from "./lib/spawn.mjs";
import { medianOf } from "./lib/statistics.mjs";

const script = fileURLToPath(new URL("./lib/firstPredictionWorker.mjs", import.meta.url));

await main(async () => {
  const { values } = parseArgs({
    options: { turns: { type: "string", default: "3" }, save: { type: "boolean", default: false } },
  });
  const start = await prepareProcesses();
  const run = describeRun();
  const outputs = { cold: [], warm: [] };
  for (let turn = 0; turn < Number(values.turns); turn++) {
    const cache = mkdtempSync(join(tmpdir(), "fracture-shaders-"));
    try {
      for (const state of ["cold", "warm"]) {
        const output = await start(script, {}, { env: { MESA_SHADER_CACHE_DIR: cache } });
        if (!output.finite) throw new SetupError("the logits are not finite");
        outputs[state].push(output);
      }
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  }
  const { adapter } = outputs.cold[0];
  console.log(`${adapter.device} (${adapter.driver})`);
  console.log("ResNet-50, one picture of 224 x 224, ms from the process's start (medians)\n");
  console.log("shader cache   imported   device open   weights   compiled   predicted   process ended");
  const rows = Object.entries(outputs).map(([state, runs]) => {
    const median = (pick) => Math.round(medianOf(runs.map(pick)));
    const { imported, opened, weights, compiled, predicted } = runs[0].at;
    const stages = Object.keys({ imported, opened, weights, compiled, predicted });
    const at = Object.fromEntries(stages.map((stage) => [stage, median((output) => output.at[stage])]));
    const ended = median((output) => output.process_ms);
    const widths = [11, 14, 10, 11, 12];
    const figures = stages.map((stage, i) => String(at[stage]).padStart(widths[i])).join("");
    console.log(`${state.padEnd(12)}${figures}${String(ended).padStart(16)}`);
    return { shader_cache: state, at, process_ms: ended };
  });
  if (values.save) writeResults("first-prediction", adapter, { ...run, adapter, rows });
});
