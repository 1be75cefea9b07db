import { existsSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import type { AdapterChoice } from "@fracture/tensor";
import { adapterOption, DeviceOnDemand } from "../device.ts";
import { InputError, StoppedError } from "../exitCodes.ts";
import type { Io } from "../io.ts";
import { path, seeds } from "../options.ts";
import { plural } from "../output/format.ts";
import { formatWithoutCopies } from "../output/dataAudit.ts";
import { LossCurve } from "../output/lossCurve.ts";
import { formatOutcome } from "../output/metrics.ts";
import { formatSubgroups } from "../output/subgroups.ts";
import { Progress } from "../output/progress.ts";
import { formatSeeds } from "../output/seeds.ts";
import { Transfer } from "../output/rate.ts";
import { addRecipeOptions, namingFlags, recipeOptions, type RecipeFlags } from "../recipeOptions.ts";
import { RunProgress } from "../runProgress.ts";

interface TrainFlags extends RecipeFlags {
  readonly data?: string;
  readonly out: string;
  readonly seeds?: number | readonly number[];
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly allowUnreadable: boolean;
  readonly adapter: AdapterChoice;
  readonly json: boolean;
}

/** `fracture train` */
export function trainCommand(program: Command, io: Io): void {
  const command = program
    .command("train")
    .description(
      "train a network on a folder of pictures, and leave a run folder with the model, its figures and how it came about",
    )
    .option(
      "--data <folder>",
      "pictures in train/CLASS, val/CLASS, test/CLASS; or in CLASS, to be split by the seed; or a .csv with columns path, label, split",
      path,
    )
    .requiredOption("--out <folder>", "the run folder to make", path)
    .option(
      "--seeds <n>",
      "a run each for so many seeds, beginning with --seed, or for those listed (0,1,7), in folders of their own, and how the figures spread",
      seeds,
    )
    .option("--resume", "go on with the run that is in the folder, as it was started", false)
    .addOption(new Option("--overwrite", "replace the run that is in the folder").default(false).conflicts("resume"))
    .option("--allow-unreadable", "set pictures of val and test that can't be read aside, as those of train are", false)
    .addOption(adapterOption())
    .option("--json", "print the results as JSON", false);
  addRecipeOptions(command).action((flags: TrainFlags) => train(io, flags));
}

async function train(io: Io, flags: TrainFlags): Promise<void> {
  const { data, out, seeds: wanted, resume, overwrite, allowUnreadable, adapter, json, ...recipeFlags } = flags;
  if (data === undefined && !resume) throw new InputError("--data is missing: a folder of pictures to train on");
  const { InterruptedError, isSeedsFolder, shellQuoted, trainRun, trainSeeds } = await import("@fracture/train");
  using progress = new Progress(io.stderr);
  const transfer = new Transfer();
  const recipe = await namingFlags(
    recipeOptions(io, recipeFlags, (received, total) =>
      progress.update(`fetching ${recipeFlags.weights}: ${transfer.text(received, total)}`),
    ),
  );
  using device = new DeviceOnDemand(io, adapter, progress);
  const options = {
    out,
    recipe,
    mode: resume ? ("resume" as const) : overwrite ? ("overwrite" as const) : ("new" as const),
    ...(data === undefined ? {} : { data }),
    ...(allowUnreadable ? { allowUnreadable } : {}),
  };
  try {
    const { show } = new RunProgress(progress, () => LossCurve.for(io));
    const context = { openDevice: device.open, signal: io.signal, onEvent: show };
    if (wanted !== undefined || (resume && isSeedsFolder(out))) {
      const list = wanted === undefined ? {} : { seeds: seedsOf(wanted, recipeFlags.seed) };
      const summary = await namingFlags(trainSeeds({ ...options, ...list }, context));
      progress.clear();
      return io.stdout.write(json ? `${JSON.stringify(summary, null, 2)}\n` : formatSeeds(out, summary));
    }
    const { outcomes, ...result } = await namingFlags(trainRun(options, context));
    progress.clear();
    if (json)
      return io.stdout.write(`${JSON.stringify({ ...result, decision: outcomes[0]?.decision ?? null }, null, 2)}\n`);
    const best = result.bestEpoch === null ? "the last one's weights" : `the weights of epoch ${result.bestEpoch}`;
    io.stdout.write(`${result.folder}: trained for ${plural(result.epochs, "epoch")}, with ${best}\n`);
    for (const outcome of outcomes) {
      const { split, paths } = outcome;
      io.stdout.write(`\n${formatOutcome(outcome)}`);
      if (split !== "train") io.stdout.write(formatWithoutCopies(split, paths.length, result.withoutCopies[split]));
    }
    io.stdout.write(formatSubgroups(result.subgroups));
    io.stdout.write(
      `\nThe model is ${join(out, "best.safetensors")}, the report ${join(out, "results", "report.html")}; figures and plots lie beside it.\n`,
    );
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    // Before its first checkpoint a run has its beginning to go on from; not so one that was to replace another.
    if (!error.saved && (overwrite || !existsSync(join(out, "config.json")))) throw error;
    throw new StoppedError(`stopped; to go on: fracture train --out ${shellQuoted(out)} --resume`);
  }
}

function seedsOf(wanted: number | readonly number[], first: number | undefined): readonly number[] {
  if (typeof wanted === "number") return Array.from({ length: wanted }, (_, i) => (first ?? 0) + i);
  if (first !== undefined) throw new InputError("--seed: --seeds lists them all; give one of the two");
  return wanted;
}
