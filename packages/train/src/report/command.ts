import { stagesOf } from "../recipe/stages.ts";
import { parseRecipe, type Recipe } from "../recipe/recipe.ts";
import { shellQuoted } from "../run/shell.ts";
import type { Report } from "./report.ts";

/** What is not called as its option of a recipe is, with hyphens; null: what is written by itself. */
const EXCEPTIONS: Readonly<Partial<Record<keyof Recipe, string | null>>> = {
  architecture: "--arch",
  weights: null,
  stages: null,
  augmentation: null,
  shuffle: null,
};

const flagOf = (key: keyof Recipe): string | null =>
  key in EXCEPTIONS ? (EXCEPTIONS[key] ?? null) : `--${key.replaceAll(/[A-Z]/g, (char) => `-${char.toLowerCase()}`)}`;

/** Options that each written stage says for itself. */
const OF_STAGES = new Set<keyof Recipe>(["freeze", "epochs", "lr", "backboneLr", "warmup", "layerDecay"]);

/**
 * The command that makes a run again, for a POSIX shell: what differs from the defaults, and seed and weights always. Null where the
 * configuration can't be read, or has options that this version does not know.
 */
export function commandOf({ config, recipe, folder }: Report): string | null {
  if (!config || !recipe || config.data === null) return null;
  const defaults = parseRecipe({});
  const words = ["fracture", "train", "--data", config.data, "--out", folder, "--weights", recipe.weights ?? "none"];
  for (const key of Object.keys(recipe) as (keyof Recipe)[]) {
    const flag = flagOf(key);
    const value = recipe[key];
    if (recipe.stages && OF_STAGES.has(key)) continue;
    if (flag === null || (key !== "seed" && JSON.stringify(value) === JSON.stringify(defaults[key]))) continue;
    words.push(flag, value === null ? "none" : String(value as string | number));
  }
  if (recipe.augmentation === null) words.push("--augment", "none");
  if (!recipe.shuffle) words.push("--no-shuffle");
  if (recipe.stages) words.push("--stages", "stages.json");
  if (config.allowUnreadable) words.push("--allow-unreadable");
  const command = words.map(shellQuoted).join(" ");
  if (!recipe.stages) return command;
  return `printf '%s\\n' ${shellQuoted(JSON.stringify(stagesOf(recipe)))} > stages.json\n${command}`;
}
