import type { AdapterChoice } from "@fracture/tensor";
import type { RecipeOptions } from "@fracture/train";
import type { Command } from "commander";
import { adapterOption, DeviceOnDemand } from "../device.ts";
import type { Io } from "../io.ts";
import { integer, path, positive } from "../options.ts";
import { plural, printable } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { namingFlags } from "../recipeOptions.ts";
import { RunProgress } from "../runProgress.ts";

interface AugmentFlags extends Pick<
  RecipeOptions,
  "seed" | "splitSeed" | "size" | "channels" | "valFraction" | "testFraction" | "patientPattern"
> {
  readonly out: string;
  readonly rows: number;
  readonly draws: number;
  readonly config?: string;
  readonly adapter: AdapterChoice;
}

/** `fracture data augment` */
export function dataAugmentCommand(data: Command, io: Io): void {
  data
    .command("augment")
    .description(
      "draw a contact sheet of training pictures before and after augmentation, as a training run with these options would see them in its first epochs",
    )
    .argument("<data>", "the pictures, laid out as for training, or a .csv that lists them; nothing is written there")
    .requiredOption("--out <file>", "the sheet to write, .png or .svg", path)
    .option("--rows <n>", "pictures to show", integer(1), 6)
    .option("--draws <n>", "epochs to show of each", integer(1), 6)
    .optionsGroup("As for train:")
    .option(
      "--config <file>",
      "a recipe in JSON or YAML, or the config.json of a run; options beside it go before it",
      path,
    )
    .option("--seed <n>", "decides everything random (default: 0)", integer(0))
    .option("--size <pixels>", "height and width that the network sees (default: 224)", integer(1))
    .option("--channels <kind>", "grey, or rgb for pictures with colours (default: grey)")
    .option("--val-fraction <x>", "part of the pictures to validate on, where no folder is for that", positive())
    .option("--test-fraction <x>", "part of the pictures to test on, where there are no split folders", positive())
    .option("--split-seed <n>", "decides which pictures these are (default: the seed)", integer(0))
    .option("--patient-pattern <regex>", "whose group tells the patient from a picture's path in its class folder")
    .optionsGroup("Options:")
    .addOption(adapterOption())
    .action((root: string, flags: AugmentFlags) => augment(io, root, flags));
}

async function augment(io: Io, data: string, flags: AugmentFlags): Promise<void> {
  const { augmentData, readRecipeFile } = await import("@fracture/train");
  const { out, rows, draws, config, adapter, ...given } = flags;
  using progress = new Progress(io.stderr);
  using device = new DeviceOnDemand(io, adapter, progress);
  const file = config === undefined ? {} : await namingFlags(readRecipeFile(config));
  const { samples, unreadable } = await namingFlags(
    augmentData(
      { data, out, rows, draws, recipe: { ...file, ...given } },
      { openDevice: device.open, signal: io.signal, onEvent: new RunProgress(progress).show },
    ),
  );
  progress.clear();
  for (const { path: name, reason } of unreadable) progress.line(`left out: ${printable(name)}: ${printable(reason)}`);
  io.stdout.write(
    `${printable(out)}: ${plural(samples.length, "picture")}, each as it is and in ${plural(draws, "epoch")}\n`,
  );
}
