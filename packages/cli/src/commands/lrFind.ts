import { Option, type Command } from "commander";
import type { AdapterChoice } from "@fracture/tensor";
import type { RateSearch } from "@fracture/train";
import { adapterOption, DeviceOnDemand } from "../device.ts";
import type { Io } from "../io.ts";
import { integer, path, positive } from "../options.ts";
import { plural } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { Transfer } from "../output/rate.ts";
import { formatTable } from "../output/table.ts";
import { addRecipeOptions, namingFlags, recipeOptions, type RecipeFlags } from "../recipeOptions.ts";
import { RunProgress } from "../runProgress.ts";

interface LrFindFlags extends RecipeFlags {
  readonly data: string;
  readonly out?: string;
  readonly stage: number;
  readonly steps: number;
  readonly from: number;
  readonly to: number;
  readonly adapter: AdapterChoice;
  readonly json: boolean;
}

/** `fracture lr-find` */
export function lrFindCommand(program: Command, io: Io): void {
  const command = program
    .command("lr-find")
    .description(
      "look for a learning rate: train for a few steps with a rate that rises from one to the next, and see where the loss falls; no model is kept",
    )
    .requiredOption("--data <folder>", "the pictures, laid out as for training, or a .csv that lists them", path)
    .option("--out <folder>", "write results/lr-find.json, .csv, .svg and .png there, such as into a run folder", path)
    .option("--stage <n>", "which stage of the recipe, from its weights on", integer(1), 1)
    .option("--steps <n>", "steps from the lowest rate to the highest", integer(20), 100)
    .option("--from <rate>", "the lowest rate", positive(), 1e-7)
    .option("--to <rate>", "the highest rate", positive(), 10)
    .addOption(adapterOption())
    .addOption(new Option("--json", "print the points and suggestions as JSON").default(false));
  addRecipeOptions(command).action((flags: LrFindFlags) => lrFind(io, flags));
}

async function lrFind(io: Io, flags: LrFindFlags): Promise<void> {
  const { data, out, stage, steps, from, to, adapter, json, ...recipeFlags } = flags;
  const { findRate, writeRateSearch } = await import("@fracture/train");
  using progress = new Progress(io.stderr);
  const transfer = new Transfer();
  const recipe = await namingFlags(
    recipeOptions(io, recipeFlags, (received, total) =>
      progress.update(`fetching ${recipeFlags.weights}: ${transfer.text(received, total)}`),
    ),
  );
  using device = new DeviceOnDemand(io, adapter, progress);
  const { show } = new RunProgress(progress);
  const search = await namingFlags(
    findRate(
      { data, recipe, stage, steps, from, to, ...(out === undefined ? {} : { out }) },
      { openDevice: device.open, signal: io.signal, onEvent: show },
    ),
  );
  const written = out === undefined ? [] : await writeRateSearch(out, search);
  progress.clear();
  if (json) return io.stdout.write(`${JSON.stringify(search, null, 2)}\n`);
  io.stdout.write(formatRates(search));
  if (written.length > 0) io.stdout.write(`\n${written.join("\n")}\n`);
}

const MEANINGS: Readonly<Record<keyof RateSearch["suggestions"], string>> = {
  valley: "two thirds down the longest valley: the one to begin with",
  steep: "where the loss falls steepest",
  minimum: "a tenth of that with the least loss",
};

function formatRates({ stage, steps, points, diverged, suggestions }: RateSearch): string {
  const first = points[0]?.smoothed ?? NaN;
  const least = Math.min(...points.map(({ smoothed }) => smoothed));
  const end = diverged
    ? `stopped after ${plural(points.length, "step")} of ${steps}, where the loss left all bounds`
    : plural(steps, "step");
  const heading = `stage "${stage.name}": ${end}; smoothed loss from ${first.toFixed(3)} to ${least.toFixed(3)} at the least\n`;
  const rows = (Object.keys(MEANINGS) as (keyof typeof MEANINGS)[]).flatMap((name) => {
    const rate = suggestions[name];
    return rate === null ? [] : [{ name, rate }];
  });
  if (rows.length === 0) return `${heading}The loss falls nowhere: no rate is suggested.\n`;
  const table = formatTable(rows, [
    { title: "suggestion", cell: ({ name }) => name },
    { title: "learning rate", cell: ({ rate }) => rate.toExponential(2), align: "right" },
    { title: "", cell: ({ name }) => MEANINGS[name] },
  ]);
  return `${heading}\n${table}`;
}
