import { createHash } from "node:crypto";
import { relative, sep } from "node:path";
import {
  ARCHITECTURES,
  parsePreprocessing,
  sha256OfFile,
  type Architecture,
  type Preprocessing,
} from "@fracture/resnet";
import { z } from "zod";
import type { DataFolder } from "../data/folder.ts";
import { SPLITS } from "../data/split.ts";
import type { Stage } from "../loop/stages.ts";
import { FREEZE_CHOICES } from "../loop/stages.ts";
import { RecipeError } from "../recipe/errors.ts";
import { recipeSchema, type Recipe } from "../recipe/recipe.ts";
import { readRunConfig, RunFolderError, runPaths } from "../run/runFolder.ts";
import { FRACTURE_VERSION } from "../version.ts";

/** What `config.json` holds: everything needed to run it again, and to know that it is the same. */
export interface RunConfig {
  /** The version that started the run. */
  readonly fracture: string;
  readonly data: string;
  readonly allowUnreadable: boolean;
  readonly recipe: Recipe;
  readonly architecture: Architecture;
  readonly classes: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly stages: readonly Stage[];
  /** Of the weights that the run began with; null from scratch. */
  readonly weightsSha256: string | null;
  /** Of the files' names, splits and labels. */
  readonly dataSha256: string;
  /** Of all the rest: a run that goes on must be the one that was started. */
  readonly configSha256?: string | undefined;
}

const configSchema = z.object({
  fracture: z.string(),
  data: z.string(),
  allowUnreadable: z.boolean(),
  recipe: recipeSchema,
  architecture: z.enum(Object.keys(ARCHITECTURES) as [Architecture, ...Architecture[]]),
  classes: z.array(z.string()).min(2),
  preprocessing: z.unknown().transform(parsePreprocessing),
  stages: z
    .array(
      z.object({
        name: z.string(),
        freeze: z.enum(FREEZE_CHOICES),
        epochs: z.int().min(1),
        lr: z.number(),
        backboneLr: z.number(),
        warmup: z.number().optional(),
        layerDecay: z.number().optional(),
      }),
    )
    .min(1),
  weightsSha256: z.string().nullable(),
  dataSha256: z.string(),
  configSha256: z.string().optional(),
});

/** The configuration of a run that begins. */
export async function newRunConfig(
  given: Omit<RunConfig, "fracture" | "weightsSha256" | "dataSha256" | "configSha256" | "data">,
  data: DataFolder,
): Promise<RunConfig> {
  const { weights } = given.recipe;
  const config = {
    fracture: FRACTURE_VERSION,
    data: data.root,
    ...given,
    weightsSha256: weights === null ? null : await sha256OfFile(weights),
    dataSha256: fingerprint(data),
  };
  return { ...config, configSha256: hashOf(config) };
}

/**
 * The configuration of a run that is resumed.
 *
 * @throws RunFolderError where there is none, it is damaged, or it was changed since the run was started
 */
export async function loadRunConfig(folder: string): Promise<RunConfig> {
  const { config: path } = runPaths(folder);
  const { configSha256, ...written } = await readRunConfig(folder);
  const parsed = configSchema.safeParse({ ...written, configSha256 });
  if (!parsed.success) throw new RunFolderError(path, "invalid", `is damaged (${z.prettifyError(parsed.error)})`);
  if (configSha256 !== undefined && configSha256 !== hashOf(written))
    throw new RunFolderError(
      path,
      "invalid",
      "was changed since the run was started: undo that, or begin another run (data that has moved is named with --data)",
    );
  return parsed.data;
}

/**
 * A resumed run must find the pictures that it was started with.
 *
 * @throws RecipeError
 */
export function checkSameData(config: RunConfig, data: DataFolder): void {
  if (fingerprint(data) === config.dataSha256) return;
  throw new RecipeError("a resumed run goes on as it was started:", [
    `data: ${data.root} holds other files, classes or splits than when the run was started`,
  ]);
}

/** A hash of what JSON writes of a value. */
const hashOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** A hash of the pictures' names, splits and labels, whatever folder they lie in. */
function fingerprint({ base, classes, splits }: DataFolder): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(classes));
  for (const split of SPLITS) {
    const files = splits[split];
    files?.paths.forEach((path, i) => {
      hash.update(`\0${split}\0${files.labels[i]}\0${relative(base, path).split(sep).join("/")}`);
    });
  }
  return hash.digest("hex");
}
