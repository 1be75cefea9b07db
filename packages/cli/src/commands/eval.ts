import { join } from "node:path";
import { Option, type Command } from "commander";
import type { AdapterChoice } from "@fracture/tensor";
import type { Precision } from "@fracture/train";
import { adapterOption, DeviceOnDemand } from "../device.ts";
import type { Io } from "../io.ts";
import { integer, path, precisionOption } from "../options.ts";
import { formatWithoutCopies } from "../output/dataAudit.ts";
import { formatHardest, formatOutcome } from "../output/metrics.ts";
import { formatSubgroups } from "../output/subgroups.ts";
import { Progress } from "../output/progress.ts";
import { RunProgress } from "../runProgress.ts";

interface EvalFlags {
  readonly data: string;
  readonly split: "train" | "val" | "test";
  readonly out?: string;
  readonly allowUnreadable: boolean;
  readonly batchSize: number;
  readonly precision: Precision;
  readonly adapter: AdapterChoice;
  readonly json: boolean;
}

/** Pictures that are named of each kind; metrics.json names more. */
const SHOWN = 5;

/** `fracture eval` */
export function evalCommand(program: Command, io: Io): void {
  program
    .command("eval")
    .description("evaluate a model on a split of a folder of pictures")
    .argument("<model>", "a run folder, a .safetensors, or a published .pth")
    .requiredOption("--data <folder>", "the pictures, laid out as for training, or a .csv that lists them", path)
    .addOption(new Option("--split <name>", "which pictures").choices(["train", "val", "test"]).default("test"))
    .option("--out <folder>", "write metrics.json, predictions.csv, plots and a report there", path)
    .option("--allow-unreadable", "set pictures that can't be read aside", false)
    .option("--batch-size <n>", "pictures at once", integer(1), 32)
    .addOption(precisionOption())
    .addOption(adapterOption())
    .option("--json", "print the figures as JSON", false)
    .action((model: string, flags: EvalFlags) => evaluate(io, model, flags));
}

async function evaluate(io: Io, model: string, { adapter, json, ...options }: EvalFlags): Promise<void> {
  const { evaluateRun, figuresOf, hardestPictures } = await import("@fracture/train");
  using progress = new Progress(io.stderr);
  using device = new DeviceOnDemand(io, adapter, progress);
  const { show } = new RunProgress(progress);
  const outcome = await evaluateRun(
    { model, ...options },
    { openDevice: device.open, signal: io.signal, onEvent: show },
  );
  progress.clear();
  if (json) {
    const { split, withoutCopies, subgroups } = outcome;
    const figures = { model, data: options.data, split, ...figuresOf(outcome), withoutCopies, subgroups };
    return io.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  }
  const copies = formatWithoutCopies(outcome.split, outcome.paths.length, outcome.withoutCopies);
  io.stdout.write(
    `${formatOutcome(outcome)}${copies}${formatSubgroups(outcome.subgroups)}\n${formatHardest(hardestPictures(outcome, SHOWN))}`,
  );
  const { out } = options;
  if (out !== undefined)
    io.stdout.write(
      `\nThe report is ${join(out, "report.html")}, metrics.json, predictions.csv and plots are beside it.\n`,
    );
}
