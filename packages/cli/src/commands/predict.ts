import { Option, type Command } from "commander";
import type { AdapterChoice } from "@fracture/tensor";
import type { CamLayer, Precision, Prediction } from "@fracture/train";
import { adapterOption, DeviceOnDemand } from "../device.ts";
import { InputError, UnreadableError } from "../exitCodes.ts";
import type { Io } from "../io.ts";
import { integer, layerOption, path, precisionOption } from "../options.ts";
import { plural, printable } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { formatTable } from "../output/table.ts";
import { expandPaths } from "../paths.ts";

export const DISCLAIMER = "Research use, not a medical device.";

interface PredictFlags {
  readonly logits: boolean;
  readonly csv: boolean;
  readonly json: boolean;
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
    .description(`say what a model sees in pictures. ${DISCLAIMER}`)
    .argument("<model>", "a run folder, a .safetensors, or a published .pth")
    .argument(
      "<path...>",
      "pictures, folders with pictures in them and below, .csv files with a column path, or patterns",
    )
    .option("--logits", "give the logits too", false)
    .addOption(new Option("--csv", "print CSV").default(false).conflicts("json"))
    .option("--json", "print JSON", false)
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
  const paths = await expandPaths(arguments_);
  using progress = new Progress(io.stderr);
  using device = new DeviceOnDemand(io, adapter, progress);
  const predictions: Prediction[] = [];
  let unreadable = 0;
  for await (const result of predictFiles(
    {
      model,
      paths,
      batchSize,
      precision,
      ...(folder === undefined ? {} : { explain: { folder, ...(layer ? { layer } : {}) } }),
    },
    { openDevice: device.open, signal: io.signal },
  )) {
    if ("error" in result) {
      unreadable += 1;
      progress.line(`fracture: ${printable(result.path)}: ${printable(result.error)}`);
    } else {
      predictions.push(result);
      progress.update(`${plural(predictions.length, "picture")} predicted`);
    }
  }
  progress.clear();
  if (predictions.length + unreadable === 0) throw new InputError(`${paths.join(", ")}: there are no pictures`);
  print(io, predictions, flags, csvLine);
  // What could be read was predicted; that something could not is in the exit code.
  if (unreadable > 0) throw new UnreadableError(`${plural(unreadable, "picture")} can't be read, see above`);
}

function print(
  io: Io,
  predictions: readonly Prediction[],
  { json, csv, logits, explain }: PredictFlags,
  csvLine: (cells: readonly (string | number)[]) => string,
): void {
  if (json || csv) io.stderr.write(`${DISCLAIMER}\n`);
  if (json) {
    const lines = predictions.map(({ path, class: found, probabilities, threshold, logits: values, explanation }) =>
      JSON.stringify({
        path,
        class: found,
        probabilities,
        threshold,
        ...(logits ? { logits: values } : {}),
        ...(explanation ? { explanation } : {}),
      }),
    );
    return io.stdout.write(lines.length > 0 ? `[\n${lines.join(",\n")}\n]\n` : "[]\n");
  }
  const [first] = predictions;
  if (!first) return;
  if (csv) {
    const { classes } = first;
    const names = (kind: string): string[] => classes.map((name) => `${kind}_${name}`);
    const more = [...(logits ? names("logit") : []), ...(explain === undefined ? [] : ["explanation"])];
    io.stdout.write(csvLine(["path", "class", ...names("prob"), "threshold", ...more]));
    for (const { path, class: found, probabilities, threshold, logits: values, explanation } of predictions)
      io.stdout.write(
        csvLine([
          path,
          found,
          ...classes.map((name) => probabilities[name]!),
          threshold?.value ?? "",
          ...(logits ? values : []),
          ...(explanation ? [explanation.file] : []),
        ]),
      );
    return;
  }
  io.stdout.write(
    formatTable(predictions, [
      { title: "picture", cell: ({ path }) => path },
      { title: "class", cell: (prediction) => className(prediction.class) },
      {
        title: "probability",
        cell: ({ class: found, probabilities }) => probabilities[found]!.toFixed(3),
        align: "right",
      },
      ...(logits
        ? [
            {
              title: "logits",
              cell: ({ logits: values }: Prediction) => values.map((value) => value.toFixed(3)).join(" "),
            },
          ]
        : []),
      ...(explain === undefined
        ? []
        : [{ title: "heat map", cell: ({ explanation }: Prediction) => explanation?.file ?? "" }]),
    ]),
  );
  const { threshold } = first;
  if (threshold)
    io.stdout.write(
      `\n"${printable(threshold.class)}" is decided for from a probability of ${threshold.value.toFixed(3)} on.`,
    );
  io.stdout.write(`\n${DISCLAIMER}\n`);
}

/** Published weights number their classes: a number alone would look like anything. */
const className = (name: string): string => (/^\d+$/.test(name) ? `class ${name}` : name);
