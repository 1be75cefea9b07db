import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { DEFAULT_AUGMENTATION } from "../data/augment.ts";
import { nearestSpelling } from "../data/spelling.ts";
import { RUN_FORMAT } from "../run/runFolder.ts";
import { SEEDS_FORMAT } from "../seeds/seedsFolder.ts";
import { RecipeError } from "./errors.ts";
import { augmentationSchema, recipeSchema, type RecipeOptions } from "./recipe.ts";
import { stageSchema } from "./stageSchema.ts";

/** What `format` says in the `config.json` of a run, and of several seeds. */
const RUN_FORMATS: ReadonlySet<unknown> = new Set([RUN_FORMAT, SEEDS_FORMAT]);

/** A recipe as it is written by hand: what is left out has its default. */
const fileSchema = z
  .strictObject({
    ...recipeSchema.shape,
    augmentation: z.union([z.enum(["none", "default"]), augmentationSchema]).nullable(),
  })
  .partial();

/**
 * Reads a recipe: JSON or YAML with the keys of a `Recipe`; or the `config.json` of a run, to make that run again. A weight file's path is
 * relative to the recipe, where it is there. Only what the file says is returned, for other options to go before it.
 *
 * @throws RecipeError with every fault, and for an unknown key the one that was probably meant
 */
export async function readRecipeFile(path: string): Promise<RecipeOptions> {
  const written = await parseFile(path);
  const given = isRunConfig(written) ? written.recipe : written;
  const parsed = fileSchema.safeParse(given);
  if (!parsed.success)
    throw new RecipeError(
      `${path}: is no recipe:`,
      parsed.error.issues.flatMap((issue) => faultsOf(issue)),
    );
  // What was not written must not hide a default, nor an option beside the file.
  const said = Object.entries(parsed.data).filter(([key]) => key in (given as object));
  const { augmentation, weights, ...options } = Object.fromEntries(said) as z.output<typeof fileSchema>;
  return {
    ...options,
    ...(weights === undefined ? {} : { weights: weights === null ? null : pathFrom(path, weights) }),
    ...(augmentation === undefined || augmentation === "default"
      ? {}
      : { augmentation: augmentation === "none" ? null : augmentation }),
  };
}

/** `recipe.json`'s neighbour, where there is one of that name; else as it stands: from the working folder, or a published set's name. */
function pathFrom(recipe: string, weights: string): string {
  const beside = join(dirname(recipe), weights);
  return !isAbsolute(weights) && existsSync(beside) ? beside : weights;
}

async function parseFile(path: string): Promise<unknown> {
  try {
    const text = (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
    if (/\.json$/i.test(path)) return JSON.parse(text) as unknown;
    const { parse } = await import("yaml");
    return parse(text, { maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw new RecipeError(`${path}: can't be read as a recipe:`, [
      error instanceof Error ? error.message : String(error),
    ]);
  }
}

const isRunConfig = (value: unknown): value is { readonly recipe: unknown } =>
  typeof value === "object" && value !== null && "format" in value && RUN_FORMATS.has(value.format);

/** One line an unknown key, else one an issue; the key is quoted, as it is the file's and no flag. */
function faultsOf(issue: z.core.$ZodIssue): string[] {
  const place = (key: string): string => JSON.stringify([...issue.path, key].join("."));
  if (issue.code !== "unrecognized_keys") {
    const name = issue.path.join(".");
    return [name === "" ? `it holds no keys and values (${issue.message})` : `"${name}": ${issue.message}`];
  }
  const [, inner] = issue.path;
  const known = Object.keys(
    issue.path[0] === "stages" && inner !== undefined
      ? stageSchema.shape
      : issue.path[0] === "augmentation"
        ? DEFAULT_AUGMENTATION
        : recipeSchema.shape,
  );
  return issue.keys.map((key) => {
    const nearest = nearestSpelling(key, known);
    return `${place(key)}: there is no such key; ${nearest === null ? `there are ${known.join(", ")}` : `was "${nearest}" meant?`}`;
  });
}
