import { existsSync } from "node:fs";
import { Option, type Command } from "commander";
import type { RecipeOptions } from "@fracture/train";
import { InputError } from "./exitCodes.ts";
import type { Io } from "./io.ts";
import { integer, path, positive } from "./options.ts";

/** The options that say how to train, as commander delivers them: what was not given is not there. */
export interface RecipeFlags {
  readonly config?: string;
  readonly weights?: string;
  readonly arch?: string;
  readonly size?: number;
  readonly channels?: string;
  readonly batchSize?: number;
  readonly epochs?: number;
  readonly freeze?: string;
  readonly stages?: string;
  readonly optimizer?: string;
  readonly lr?: number;
  readonly backboneLr?: number;
  readonly layerDecay?: number;
  readonly warmup?: number;
  readonly weightDecay?: number;
  readonly stepSize?: number;
  readonly gamma?: number;
  readonly patience?: number | "none";
  readonly monitor?: string;
  readonly augment?: string;
  readonly shuffle: boolean;
  readonly sampler?: string;
  readonly classWeights?: string;
  readonly precision?: string;
  readonly threshold?: string;
  readonly sensitivity?: number;
  readonly seed?: number;
  readonly splitSeed?: number;
  readonly valFraction?: number;
  readonly testFraction?: number;
  readonly patientPattern?: string;
}

/** What each option of a recipe is called here, for messages about it. */
export const FLAG_OF: Readonly<Record<keyof RecipeOptions, string>> = {
  weights: "--weights",
  architecture: "--arch",
  size: "--size",
  channels: "--channels",
  batchSize: "--batch-size",
  epochs: "--epochs",
  freeze: "--freeze",
  stages: "--stages",
  optimizer: "--optimizer",
  lr: "--lr",
  backboneLr: "--backbone-lr",
  layerDecay: "--layer-decay",
  warmup: "--warmup",
  weightDecay: "--weight-decay",
  stepSize: "--step-size",
  gamma: "--gamma",
  patience: "--patience",
  monitor: "--monitor",
  augmentation: "--augment",
  shuffle: "--no-shuffle",
  sampler: "--sampler",
  classWeights: "--class-weights",
  precision: "--precision",
  threshold: "--threshold",
  sensitivity: "--sensitivity",
  seed: "--seed",
  splitSeed: "--split-seed",
  valFraction: "--val-fraction",
  testFraction: "--test-fraction",
  patientPattern: "--patient-pattern",
};

/**
 * Adds the options of a recipe. Their defaults are the recipe's: none is set here, so that a resumed run can tell what was
 * asked for; a test compares what the help says with them.
 */
export function addRecipeOptions(command: Command): Command {
  return command
    .optionsGroup("What is trained:")
    .option(
      "--config <file>",
      "a recipe in JSON or YAML, or the config.json of a run, to make it again; options beside it go before it",
      path,
    )
    .option(
      "--weights <file>",
      "a .pth or .safetensors to begin with, the name of a published set, or none (default: none)",
    )
    .option(
      "--arch <name>",
      "resnet18, resnet34, resnet50, resnet101 or resnet152 (default: that of the weights, else resnet50)",
    )
    .option(
      "--freeze <part>",
      "freeze everything up to and including this part: none, stem, layer1 to layer4, all (default: from weights the head alone first, then with layer4; from scratch none)",
    )
    .addOption(
      new Option(
        "--stages <file>",
        "a JSON file of stages: [{name?, freeze, epochs, lr, backboneLr?, warmup?, layerDecay?}, ...]",
      ).conflicts([
        // which each stage says for itself
        "freeze",
        "epochs",
        "lr",
        "backboneLr",
      ]),
    )
    .optionsGroup("How:")
    .option("--epochs <n>", "passes over the training pictures, all stages together (default: 30)", integer(1))
    .option("--batch-size <n>", "pictures in a step (default: 32)", integer(1))
    .option("--optimizer <name>", "adam, adamw or sgd (default: adam)")
    .option("--lr <rate>", "learning rate of the head (default: 0.001)", positive())
    .option("--backbone-lr <rate>", "learning rate of the other layers (default: the head's)", positive())
    .option(
      "--layer-decay <x>",
      "what the rate of a layer is to that of the layer above it, from layer4 down (default: 1)",
      positive(),
    )
    .option(
      "--warmup <epochs>",
      "epochs of each stage, or a part of one, in which its rates rise from nearly zero (default: one when layer4 follows the head, else none)",
      positive({ zero: true }),
    )
    .option("--weight-decay <x>", "as torch's optimiser takes it (default: torch's)", positive({ zero: true }))
    .option("--step-size <epochs>", "epochs until the learning rate decays (default: 7)", integer(1))
    .option("--gamma <x>", "by which it is multiplied then (default: 0.1)", positive())
    .option("--patience <epochs>", "epochs without improvement that end a stage; none: never (default: 10)", patience)
    .option("--monitor <figure>", "what improvement is measured by: valLoss or valAccuracy (default: valLoss)")
    .option(
      "--sampler <how>",
      "all: every picture once an epoch; balanced: as many draws, each class as likely as any other (default: all)",
    )
    .option("--class-weights <how>", "balanced: rare classes count more; or none (default: none)")
    .option(
      "--precision <type>",
      "f32; or mixed: f16 activations on f32 weights, with dynamic loss scaling (default: f32)",
    )
    .option(
      "--threshold <rule>",
      "how the decision threshold of two classes is chosen on val: youden, or none: the larger probability decides (default: none)",
    )
    .addOption(
      new Option(
        "--sensitivity <x>",
        "the highest threshold that finds this share of the positive class in val, in place of Youden's",
      )
        .argParser(positive())
        .conflicts("threshold"),
    )
    .option("--seed <n>", "decides everything random (default: 0)", integer(0))
    .optionsGroup("Pictures:")
    .option("--size <pixels>", "height and width that the network sees (default: 224)", integer(1))
    .option("--channels <kind>", "grey, or rgb for pictures with colours (default: grey)")
    .option("--augment <how>", "default: random crops, flips, rotations, exposure; or none (default: default)")
    .option("--no-shuffle", "take the files in sorted order, by class, then by name")
    .option(
      "--val-fraction <x>",
      "part of the pictures to validate on, where no folder is for that (default: a tenth; of a train folder none)",
      positive(),
    )
    .option(
      "--test-fraction <x>",
      "part of the pictures to test on, where there are no split folders (default: a tenth)",
      positive(),
    )
    .option(
      "--split-seed <n>",
      "decides which pictures these are (default: the seed; of several seeds the first)",
      integer(0),
    )
    .option(
      "--patient-pattern <regex>",
      "whose group tells the patient from a picture's path in its class folder: patients are not split",
    );
}

/** Options that don't count where stages are written out. */
const SAID_BY_STAGES = ["freeze", "epochs", "lr", "backboneLr"] as const;

const patience = (text: string): number | "none" => (text === "none" ? text : integer(1)(text));

/** What the options ask for, as a recipe takes it. Reads the stages file; downloads published weights. */
export async function recipeOptions(io: Io, flags: RecipeFlags, onFetch: FetchProgress): Promise<RecipeOptions> {
  const { readRecipeFile, readStagesFile } = await import("@fracture/train");
  const { config, augment, shuffle, stages, weights, arch, patience: epochs, ...same } = flags;
  if (augment !== undefined && augment !== "default" && augment !== "none")
    throw new InputError(`--augment ${augment}: expected default or none`);
  const file = config === undefined ? {} : await readRecipeFile(config);
  const argument = weights ?? file.weights ?? undefined;
  const given = {
    ...same,
    architecture: arch,
    weights: argument === undefined ? undefined : await weightsFile(io, argument, onFetch),
    stages: stages === undefined ? undefined : await readStagesFile(stages),
    patience: epochs === "none" ? null : epochs,
    augmentation: augment === "none" ? null : undefined,
    shuffle: shuffle ? undefined : false,
  };
  // The recipe checks each value; what was not given is left out, which is not the same as undefined there.
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as RecipeOptions;
  const idle = SAID_BY_STAGES.find((key) => said[key] !== undefined);
  if (idle && file.stages && !said.stages)
    throw new InputError(`${FLAG_OF[idle]}: the stages in ${config} say that each for itself`);
  return { ...file, ...said };
}

/** Gives what a promise gives, with the options in a RecipeError called as they are on the command line. */
export async function namingFlags<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { RecipeError } = await import("@fracture/train");
    if (!(error instanceof RecipeError)) throw error;
    const flags: Readonly<Record<string, string>> = FLAG_OF;
    const faults = error.faults.map((fault) =>
      fault.replace(/^\w+/, (name) => flags[name] ?? (name === "seeds" ? "--seeds" : name)),
    );
    throw new RecipeError(error.message.split("\n")[0]!, faults);
  }
}

export type FetchProgress = (received: number, total: number | null) => void;

/** `--weights`: a file, a published set by its name, or "none". */
async function weightsFile(io: Io, argument: string, onProgress: FetchProgress): Promise<string | null> {
  if (argument === "none") return null;
  if (existsSync(argument)) return argument;
  const { fetchWeights, findPublished, PUBLISHED_WEIGHTS } = await import("@fracture/resnet");
  if (findPublished(argument)) return fetchWeights(argument, { signal: io.signal, onProgress });
  const known = PUBLISHED_WEIGHTS.map(({ name }) => name).join(", ");
  throw new InputError(`--weights ${argument}: there is no such file, and no published set of that name (${known})`);
}
