import { extname } from "node:path";
import { Option, type Command } from "commander";
import type { FloatStorage } from "@fracture/resnet";
import type { AdapterChoice } from "@fracture/tensor";
import type { Exported, ExportCheck } from "@fracture/train";
import { adapterOption, DeviceOnDemand } from "../device.ts";
import { InputError } from "../exitCodes.ts";
import type { Io } from "../io.ts";
import { integer, path } from "../options.ts";
import { formatBytes, plural } from "../output/format.ts";
import { formatPairs } from "../output/table.ts";

type ExportFormat = "onnx" | "safetensors";
type Rows = readonly (readonly [name: string, value: string])[];

/** Flags that only one of the formats knows. */
interface ExportFlagsOfFormats {
  readonly size?: number;
  readonly opset?: number;
  readonly fold: boolean;
  readonly probabilities: boolean;
  readonly dtype?: FloatStorage;
}

interface ExportFlags extends ExportFlagsOfFormats {
  readonly out: string;
  readonly format?: ExportFormat;
  readonly check: boolean;
  readonly force: boolean;
  readonly adapter: AdapterChoice;
  readonly json: boolean;
}

/** `fracture export` */
export function exportCommand(program: Command, io: Io): void {
  program
    .command("export")
    .description("write a model for other programs, as ONNX or as safetensors with torchvision's names")
    .argument("<model>", "a run folder, a .safetensors, or a published .pth")
    .requiredOption("--to, --out <file>", "the .onnx or .safetensors to write", path)
    .addOption(
      new Option("--format <name>", "the format, where the file's name doesn't say it").choices([
        "onnx",
        "safetensors",
      ]),
    )
    .option("--size <n>", "ONNX: side of the pictures, where it is not to be the model's own", integer(1))
    .option("--opset <n>", "ONNX: version of the operators, 13 to 22 (default: 17)", integer(1))
    .option("--fold", "ONNX: batch norms become part of the convolutions", false)
    .option("--probabilities", "ONNX: calibrated probabilities as the first output, before the logits", false)
    .addOption(
      new Option("--dtype <type>", "safetensors: how weights are stored (default: f32)").choices(["f32", "f16"]),
    )
    .option(
      "--check",
      "compute with the file (ONNX: in ONNX Runtime), and write it only if the logits are the model's",
      false,
    )
    .option("--force", "replace a file that is there", false)
    .addOption(adapterOption())
    .option("--json", "print what was written as JSON", false)
    .action((model: string, flags: ExportFlags) => exportTo(io, model, flags));
}

async function exportTo(io: Io, model: string, { adapter, json, ...flags }: ExportFlags): Promise<void> {
  const format = flags.format ?? formatOf(flags.out);
  refuseForeign(format, flags);
  const { out: to, force, size, opset, fold, probabilities, check, dtype } = flags;
  const train = await import("@fracture/train");
  const print = (exported: Exported, more: Rows): void =>
    io.stdout.write(
      json
        ? `${JSON.stringify({ format, ...exported }, null, 2)}\n`
        : formatPairs([...summary(exported), ...more, ...checked(exported.check)], ""),
    );
  using device = new DeviceOnDemand(io, adapter);
  const context = { openDevice: device.open, signal: io.signal };
  if (format === "safetensors") {
    const floats = dtype ?? "f32";
    const exported = await train.exportSafetensors({ model, to, force, check, floats }, context);
    return print(exported, [["weights", `torchvision's names, ${floats}`]]);
  }
  const numbers = { ...(size === undefined ? {} : { size }), ...(opset === undefined ? {} : { opset }) };
  const exported = await train.exportOnnx({ model, to, force, fold, probabilities, check, ...numbers }, context);
  print(exported, [...inAndOut(exported, probabilities), ...sizeNote(exported, size)]);
}

/** Options that the other format has. */
function refuseForeign(format: ExportFormat, flags: ExportFlagsOfFormats): void {
  const { dtype, size, opset, fold, probabilities } = flags;
  const foreign = format === "onnx" ? { dtype } : { size, opset, fold, probabilities };
  const [given] = Object.entries(foreign).find(([, value]) => value !== undefined && value !== false) ?? [];
  if (given !== undefined)
    throw new InputError(`--${given} is for ${format === "onnx" ? "safetensors" : "ONNX"} files; this is ${format}`);
}

function formatOf(file: string): ExportFormat {
  const extension = extname(file).toLowerCase();
  if (extension === ".onnx") return "onnx";
  if (extension === ".safetensors") return "safetensors";
  throw new InputError(`${file}: the name of the file to write must end with .onnx or .safetensors`);
}

/** Classes that are named; the file has all of them. */
const MOST_NAMED = 8;

function summary({ path: file, bytes, architecture, classes }: Exported): Rows {
  const names = classes.length > MOST_NAMED ? "" : `: ${classes.map((name) => `"${name}"`).join(", ")}`;
  return [
    ["written", `${file}, ${formatBytes(bytes)}`],
    ["network", `${architecture}, ${plural(classes.length, "class", "classes")}${names}`],
  ];
}

function inAndOut({ classes, preprocessing: { crop } }: Exported, probabilities: boolean): Rows {
  const outputs = probabilities ? ["probabilities", "logits"] : ["logits"];
  return [
    ["input", `images [batch, 3, ${crop}, ${crop}], RGB planes, normalised`],
    ["output", outputs.map((name) => `${name} [batch, ${classes.length}]`).join(", ")],
  ];
}

const sizeNote = ({ decision }: Exported, size: number | undefined): Rows =>
  size !== undefined && decision
    ? [["note", "temperature and threshold were chosen for pictures of the model's own size"]]
    : [];

function checked(check: ExportCheck | null): Rows {
  if (!check) return [];
  const { runtime, logits, largestLogit, pictures } = check;
  const figures = `the model's to ${logits.toExponential(1)}, the largest being ${largestLogit.toFixed(1)}`;
  return [["checked", `${runtime}: logits of ${pictures} pictures are ${figures}`]];
}
