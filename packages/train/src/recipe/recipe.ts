import { ARCHITECTURES, type Architecture } from "@fracture/resnet";
import { z } from "zod";
import { checkAugmentation, DEFAULT_AUGMENTATION, type Augmentation } from "../data/augment.ts";
import { OPTIMIZERS } from "../loop/optimizers.ts";
import { PRECISIONS } from "../loop/precision.ts";
import { FREEZE_CHOICES } from "../loop/stages.ts";
import { RecipeError } from "./errors.ts";
import { stageSchema } from "./stageSchema.ts";

const ARCHITECTURE_NAMES = Object.keys(ARCHITECTURES) as [Architecture, ...Architecture[]];
const fraction = z.number().min(0).lt(1);
const range = z.tuple([z.number(), z.number()]).readonly();

export const augmentationSchema: z.ZodType<Augmentation> = z
  .strictObject({
    scale: range,
    ratio: range,
    flip: z.number(),
    rotation: z.number(),
    brightness: z.number(),
    contrast: z.number(),
  })
  .superRefine((augmentation, context) => {
    try {
      checkAugmentation(augmentation);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    }
  });

/**
 * How to train, whatever the data and the folder: every option with its default. `config.json` holds the whole of it, so
 * that a run can be made again.
 */
export const recipeSchema = z.strictObject({
  /** A weight file to begin with; null begins from scratch. */
  weights: z.string().min(1).nullable().default(null),
  /** Null: that of the weights, or ResNet-50 from scratch. */
  architecture: z.enum(ARCHITECTURE_NAMES).nullable().default(null),
  /** Height and width of what the network sees. */
  size: z.int().min(16).max(1024).default(224),
  /** Radiographs are grey; "rgb" keeps colours. */
  channels: z.enum(["grey", "rgb"]).default("grey"),
  batchSize: z.int().min(1).max(4096).default(32),
  /** Epochs of all stages together, unless `stages` says how many each has. */
  epochs: z.int().min(1).default(30),
  /** One stage with this much frozen. Null: first the head alone, then the last layer with it. */
  freeze: z.enum(FREEZE_CHOICES).nullable().default(null),
  /** Stages written out; `epochs`, `freeze`, `lr` and `backboneLr` then don't count. */
  stages: z.array(stageSchema).min(1).nullable().default(null),
  optimizer: z.enum(OPTIMIZERS).default("adam"),
  /** Learning rate of the head in the first stage. */
  lr: z.number().gt(0).default(1e-3),
  /** That of the backbone; null: the head's. */
  backboneLr: z.number().gt(0).nullable().default(null),
  /** What the rate of a layer of the backbone is to that of the layer above it, of whose topmost the rate is `backboneLr`. */
  layerDecay: z.number().gt(0).max(1).default(1),
  /** Epochs of each stage in which its rates rise from nearly zero, step by step. Null: one in the second of the two default stages. */
  warmup: z.number().min(0).nullable().default(null),
  /** Null: torch's default for the optimiser. */
  weightDecay: z.number().min(0).nullable().default(null),
  /** Epochs between two decays of the learning rate. */
  stepSize: z.int().min(1).default(7),
  /** Factor of each decay. */
  gamma: z.number().gt(0).default(0.1),
  /** Epochs without improvement after which a stage ends; null: never. */
  patience: z.int().min(1).nullable().default(10),
  /** What improvement is measured by. */
  monitor: z.enum(["valLoss", "valAccuracy"]).default("valLoss"),
  /** Null: pictures as they are. */
  augmentation: augmentationSchema.nullable().default(DEFAULT_AUGMENTATION),
  shuffle: z.boolean().default(true),
  /** "all": every picture once an epoch. "balanced": as many draws, with replacement, each class as likely as any other. */
  sampler: z.enum(["all", "balanced"]).default("all"),
  /** "balanced": a class weighs samples / (classes * its samples), as in scikit-learn. */
  classWeights: z.enum(["balanced", "none"]).default("none"),
  /** "mixed": f32 weights, statistics and losses, f16 activations and gradients, with dynamic loss scaling. */
  precision: z.enum(PRECISIONS).default("f32"),
  /**
   * How the decision threshold of two classes is chosen on the validation split: by Youden's index; or "none": the larger
   * probability decides, as in other programs. A small split chooses badly (docs/results.md), so it is left to the user.
   */
  threshold: z.enum(["youden", "none"]).default("none"),
  /** In place of that: the highest threshold that finds this share of the positive class. */
  sensitivity: z.number().gt(0).max(1).nullable().default(null),
  seed: z.int().min(0).default(0),
  /** Decides what is held out of a folder without splits; null: `seed`. Runs that only differ in their seed can so be tested on the same pictures. */
  splitSeed: z.int().min(0).nullable().default(null),
  /**
   * Part of the pictures that are held out for validation: of a folder without splits by default a tenth, of a training
   * folder without one beside it by default none.
   */
  valFraction: fraction.nullable().default(null),
  /** The same for the test split; it never comes out of a training folder. */
  testFraction: fraction.nullable().default(null),
  /** A regular expression whose group tells the patient from a picture's path in its class folder: patients never part. */
  patientPattern: z.string().min(1).nullable().default(null),
});

/** Every option, with defaults filled in. */
export type Recipe = z.output<typeof recipeSchema>;
/** Options as a caller gives them. */
export type RecipeOptions = z.input<typeof recipeSchema>;

/**
 * Fills in defaults.
 *
 * @throws RecipeError with every option at fault
 */
export function parseRecipe(options: RecipeOptions): Recipe {
  const parsed = recipeSchema.safeParse(options);
  if (parsed.success && (parsed.data.valFraction ?? 0) + (parsed.data.testFraction ?? 0) >= 1)
    throw new RecipeError("these options make no sense:", [
      "valFraction: with testFraction it leaves nothing to train on",
    ]);
  if (parsed.success && parsed.data.sampler === "balanced") refuseBesideSampler(parsed.data);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "options"}: ${message}`);
  throw new RecipeError("these options make no sense:", faults);
}

function refuseBesideSampler({ shuffle, classWeights }: Recipe): void {
  const faults = [
    ...(shuffle ? [] : ["shuffle: a balanced sampler draws its pictures, and has no sorted order"]),
    ...(classWeights === "none" ? [] : ["classWeights: with a balanced sampler rare classes would count twice"]),
  ];
  if (faults.length > 0) throw new RecipeError("these options make no sense:", faults);
}

/**
 * Options given beside `--resume` must say what the run was started with.
 *
 * @throws RecipeError with every option that differs
 */
export function checkSameRecipe(started: Recipe, given: RecipeOptions): void {
  const now = parseRecipe(given);
  const differs = (Object.keys(given) as (keyof Recipe)[]).filter(
    (key) => given[key] !== undefined && JSON.stringify(now[key]) !== JSON.stringify(started[key]),
  );
  if (differs.length === 0) return;
  const shown = differs.map((key) => `${key}: was ${JSON.stringify(started[key])}, is now ${JSON.stringify(now[key])}`);
  throw new RecipeError("a resumed run goes on as it was started, and these options differ:", shown);
}
