import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Identity, Weights } from "@fracture/resnet";
import { DeviceOnDemand } from "../device.ts";
import { InputError } from "../exitCodes.ts";
import type { Io } from "../io.ts";
import { formatBytes, formatCount, plural } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { Transfer } from "../output/rate.ts";
import { formatPairs, formatTable } from "../output/table.ts";

/** `fracture weights fetch|convert|show` */
export function weightsCommand(program: Command, io: Io): void {
  const weights = program
    .command("weights")
    .description("fetch, convert and look into weight files")
    .helpCommand(false);
  weights
    .command("fetch")
    .description("download published ImageNet weights into the cache, verified, and print the file's path")
    .argument(
      "<name>",
      "resnet18, resnet34, resnet50, resnet101, resnet152; with -v2 torchvision's second set, from 50 on",
    )
    .option("--json", "print what was fetched as JSON", false)
    .action((name: string, { json }: { json: boolean }) => fetchCommand(io, name, json));
  weights
    .command("convert")
    .description("write a .pth or .safetensors as .safetensors, with torchvision's names")
    .argument("<from>", "a weight file; nothing in it is run")
    .argument("<to>", "the .safetensors to write")
    .option("--force", "replace a file that is there", false)
    .action((from: string, to: string, { force }: { force: boolean }) => convert(io, from, to, force));
  weights
    .command("show")
    .description("say what is in a weight file: network, classes, names, shapes, types")
    .argument("<file>", "a .pth or .safetensors; nothing in it is run")
    .option("--json", "print it as JSON", false)
    .action((file: string, { json }: { json: boolean }) => show(io, file, json));
}

async function fetchCommand(io: Io, name: string, json: boolean): Promise<void> {
  const { fetchWeights, findPublished, sha256OfFile } = await import("@fracture/resnet");
  using progress = new Progress(io.stderr);
  const transfer = new Transfer();
  const path = await fetchWeights(name, {
    signal: io.signal,
    onProgress: (received, total) => progress.update(`${name}: ${transfer.text(received, total)}`),
  });
  progress.clear();
  if (!json) return io.stdout.write(`${path}\n`);
  const { architecture, classes } = findPublished(name)!;
  const found = { name, path, architecture, classes, sha256: await sha256OfFile(path) };
  io.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
}

async function convert(io: Io, from: string, to: string, force: boolean): Promise<void> {
  if (!to.endsWith(".safetensors"))
    throw new InputError(`${to}: the name of the file to write must end with .safetensors`);
  if (!force && existsSync(to)) throw new InputError(`${to}: is there already; --force replaces it`);
  const { readWeights, safetensorsPieces } = await import("@fracture/resnet");
  const { exportSafetensors, writeFileAtomic } = await import("@fracture/train");
  const { state, metadata } = await readWeights(from);
  const identity = await identify(state);
  if ("architecture" in identity) {
    // The file says from now on what its content, or its own words, said: classes, preprocessing, decision.
    using device = new DeviceOnDemand(io, "auto");
    await exportSafetensors({ model: from, to, force }, { openDevice: device.open, signal: io.signal });
  } else {
    await writeFileAtomic(to, safetensorsPieces(state, metadata));
  }
  const what =
    "architecture" in identity ? `${identity.architecture}, ${plural(identity.classes, "class", "classes")}, ` : "";
  io.stdout.write(`${to}: ${what}${plural(state.size, "tensor")}\n`);
}

async function show(io: Io, file: string, json: boolean): Promise<void> {
  const { readWeights } = await import("@fracture/resnet");
  const { state, metadata, format, unwrapped } = await readWeights(file);
  const identity = await identify(state);
  const tensors = [...state].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, bytes: data.byteLength }));
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  if (json) {
    const { architecture = null, classes = null } = "architecture" in identity ? identity : {};
    const shown = { path: file, format, architecture, classes, metadata, unwrapped, bytes, tensors };
    return io.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  }
  const network =
    "architecture" in identity
      ? `${identity.architecture}, ${plural(identity.classes, "class", "classes")}`
      : `unknown (${identity.reason})`;
  io.stdout.write(
    formatPairs(
      [
        ["file", file],
        ["container", format],
        ["network", network],
        ["tensors", `${formatCount(tensors.length)}, ${formatBytes(bytes)}`],
        ...(unwrapped.length > 0 ? [["taken off", unwrapped.join(", ")] as const] : []),
        ...Object.entries(metadata).map(([name, value]) => [name, shortened(value)] as const),
      ],
      "",
    ),
  );
  io.stdout.write("\n");
  io.stdout.write(
    formatTable(tensors, [
      { title: "name", cell: ({ name }) => name },
      { title: "type", cell: ({ dtype }) => dtype },
      { title: "shape", cell: ({ shape }) => `[${shape.join(", ")}]` },
    ]),
  );
}

/** Which network it is, or why it is none of ours: a file is shown and converted all the same. */
async function identify(state: Weights["state"]): Promise<Identity | { readonly reason: string }> {
  const { identifyArchitecture, WeightsError } = await import("@fracture/resnet");
  try {
    return identifyArchitecture(state);
  } catch (error) {
    if (error instanceof WeightsError && error.fault === "architecture") return { reason: error.reason };
    throw error;
  }
}

const MOST_SHOWN = 160;

/** A thousand class names fill the screen; `--json` has them all. */
const shortened = (text: string): string => (text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);
