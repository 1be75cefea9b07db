import { Option, type Command } from "commander";
import type { AdapterChoice } from "@fracture/tensor";
import type { CamLayer, Precision } from "@fracture/train";
import { adapterOption, DeviceOnDemand } from "../device.ts";
import { InputError, UnreadableError } from "../exitCodes.ts";
import type { Io } from "../io.ts";
import { RESEARCH_USE } from "../notice.ts";
import { integer, layerOption, path, precisionOption } from "../options.ts";
import { plural, printable } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { predictionWriter, type PredictionFormat } from "../output/predictions.ts";
import { givenPaths } from "../paths.ts";

interface PredictFlags {
  readonly logits: boolean;
  readonly csv: boolean;
  readonly json: boolean;
  readonly jsonl: boolean;
  readonly verbose: boolean;
  readonly explain?: string;
  readonly layer?: CamLayer;
  readonly batchSize: number;
  readonly precision: Precision;
  readonly adapter: AdapterChoice;
}

/** `fracture predict` */
export function predictCommand(program: Command, io: Io): void {
  program
    .command("predict")
    .description(`say what a model sees in pictures. ${RESEARCH_USE}`)
    .argument("<model>", "a run folder, a .safetensors, or a published .pth")
    .argument(
      "<path...>",
      "pictures, folders with pictures in them and below, .csv files with a column path, patterns, or - for a list on standard input",
    )
    .option("--logits", "give the logits too", false)
    .addOption(new Option("--csv", "print CSV").default(false).conflicts(["json", "jsonl"]))
    .addOption(new Option("--json", "print a JSON array").default(false).conflicts("jsonl"))
    .option("--jsonl", "print JSON, a line each", false)
    .option("--verbose", "say what each file was, and what was done to it on the way in", false)
    .option(
      "--explain <folder>",
      "write each picture there, and beside it where the network saw its class (Grad-CAM)",
      path,
    )
    .addOption(layerOption())
    .option("--batch-size <n>", "pictures at once", integer(1), 8)
    .addOption(precisionOption())
    .addOption(adapterOption())
    .action((model: string, paths: string[], flags: PredictFlags) => predict(io, model, paths, flags));
}

async function predict(io: Io, model: string, arguments_: string[], flags: PredictFlags): Promise<void> {
  const { batchSize, precision, adapter, explain: folder, layer } = flags;
  const { csvLine, predictFiles } = await import("@fracture/train");
  using progress = new Progress(io.stderr);
  using device = new DeviceOnDemand(io, adapter, progress);
  const format = formatOf(flags);
  const { logits, verbose } = flags;
  const writer = predictionWriter(format, io.stdout, { logits, verbose, explanations: folder !== undefined }, csvLine);
  let [predicted, unreadable] = [0, 0];
  const explain = folder === undefined ? {} : { explain: { folder, ...(layer ? { layer } : {}) } };
  for await (const result of predictFiles(
    { model, paths: givenPaths(arguments_, io.stdin), batchSize, precision, ...explain },
    { openDevice: device.open, signal: io.signal },
  )) {
    if (predicted + unreadable === 0 && format !== "table") progress.line(RESEARCH_USE);
    if ("error" in result) {
      unreadable += 1;
      progress.line(`fracture: ${printable(result.path)}: ${printable(result.error)}`);
      writer.unreadable(result);
      continue;
    }
    predicted += 1;
    // A terminal may show both streams: the updated line must not stand where a result goes.
    if (io.stdout.isTTY) progress.clear();
    writer.prediction(result);
    progress.update(`${plural(predicted, "picture")} predicted`);
  }
  progress.clear();
  if (predicted + unreadable === 0) throw new InputError(`${arguments_.join(", ")}: there are no pictures`);
  writer.end();
  if (format === "table" && predicted > 0) io.stdout.write(`${RESEARCH_USE}\n`);
  // What could be read was predicted; that something could not is in the exit code.
  if (unreadable > 0) throw new UnreadableError(`${plural(unreadable, "picture")} can't be read, see above`);
}

function formatOf({ csv, json, jsonl }: PredictFlags): PredictionFormat {
  return csv ? "csv" : json ? "json" : jsonl ? "jsonl" : "table";
}
