import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { z } from "zod";
import { recipeSchema } from "../recipe/recipe.ts";
import { readSessions } from "../run/environment.ts";
import { readHistory, type HistoryRow } from "../run/history.ts";
import { readRunConfig, RunFolderError, runPaths } from "../run/runFolder.ts";
import { readSubgroups } from "../run/subgroups.ts";
import { isSeedsFolder, seedsPaths } from "../seeds/seedsFolder.ts";
import { readSeedsSummary, type SeedsSummary } from "../seeds/summary.ts";
import { FRACTURE_VERSION } from "../version.ts";
import { readDataPlots, readDrawn } from "./readDrawn.ts";
import { readEvaluation } from "./readEvaluation.ts";
import type { Report } from "./report.ts";
import { auditSchema, configSchema, runPartsSchema, type ReportConfig } from "./schema.ts";
import { shownPictures } from "./shownPictures.ts";
import { withoutPaths } from "./withoutPaths.ts";

export interface ReadReportOptions {
  /** Embed pictures of the data set, where they can still be read. False: to be shown to others, `withoutPaths` too. Default: true. */
  readonly pictures?: boolean;
}

type Note = (line: string) => void;

/**
 * Reads all that a report says from a run folder, finished or not, of this version or an older one, or from a folder that `eval
 * --out` wrote. What is missing is left out; what can't be read is left out with a note.
 *
 * @throws RunFolderError where there is neither a run nor an evaluation
 */
export async function readReport(folder: string, { pictures = true }: ReadReportOptions = {}): Promise<Report> {
  const { notes, note } = noteBook();
  const kind = kindOf(folder);
  const run = runPaths(folder);
  const results = kind === "run" ? run.results : folder;
  const together = isSeedsFolder(folder);
  const config = kind === "run" && !together ? await readConfig(folder, note) : null;
  const recipe = config && recipeSchema.safeParse(config.recipe);
  const kept = await readJson(join(results, "metrics.json"), note);
  const parts: z.output<typeof runPartsSchema> = runPartsSchema.safeParse(kept).data ?? {};
  const split = parts.split ?? "test";
  const clean = (name: string) => parts.withoutCopies?.[name] ?? null;
  const main = readEvaluation({ split, folder: results, figures: kept, withoutCopies: clean(split), note });
  const valFigures = typeof kept === "object" && kept !== null && "val" in kept ? kept.val : undefined;
  const val =
    split === "val" || kind === "evaluation"
      ? null
      : readEvaluation({
          split: "val",
          folder: join(results, "val"),
          figures: valFigures,
          withoutCopies: clean("val"),
          note,
        });
  const checked = await readJson(join(results, "data-check.json"), note);
  const audit = auditSchema.safeParse(checked);
  if (!audit.success && checked !== undefined) note("results/data-check.json has another form than this version reads");
  const sessions = await readSessions(join(results, "environment.json"));
  if (sessions === null) note("results/environment.json is damaged");
  const data = parts.data ?? config?.data ?? null;
  const channels = config?.preprocessing?.channels === "rgb" ? "rgb" : "grey";
  const report: Report = {
    name: basename(resolve(folder)),
    kind,
    folder,
    version: FRACTURE_VERSION,
    config,
    recipe: recipe?.data ?? null,
    architecture: config?.architecture ?? parts.architecture ?? null,
    model: parts.model ?? null,
    data,
    sessions: sessions ?? [],
    history: kind === "run" ? historyOf(run.history, note) : [],
    bestEpoch: parts.bestEpoch ?? null,
    audit: audit.data ?? null,
    unreadable: parts.unreadable ?? {},
    main,
    val,
    pictures: await shownPictures(main, { results, root: data, channels, embed: pictures, note }),
    dataPlots: await readDataPlots(join(results, "data-check"), { pictures, note }),
    rateSearch: await readDrawn(join(results, "lr-find.png"), "Learning-rate finder", note),
    subgroups: await readSubgroups(join(results, "subgroups.json"), note),
    seeds: kind === "run" ? seedsOf(together ? folder : dirname(resolve(folder)), note) : null,
    notes,
  };
  return pictures ? report : withoutPaths(report);
}

function noteBook(): { notes: string[]; note: Note } {
  const notes: string[] = [];
  return { notes, note: (line) => void notes.push(line) };
}

function kindOf(folder: string): Report["kind"] {
  if (!existsSync(folder)) throw new RunFolderError(folder, "missing", "no such run folder");
  if (!statSync(folder).isDirectory())
    throw new RunFolderError(folder, "notAFolder", "is a file, and a run folder was expected");
  const { config, history, results } = runPaths(folder);
  if (existsSync(config) || existsSync(history) || existsSync(results)) return "run";
  if (existsSync(join(folder, "metrics.json")) || existsSync(join(folder, "predictions.csv"))) return "evaluation";
  throw new RunFolderError(
    folder,
    "missing",
    "holds nothing to report: neither a run (config.json) nor what eval --out writes (metrics.json)",
  );
}

async function readConfig(folder: string, note: Note): Promise<ReportConfig | null> {
  try {
    return configSchema.parse(await readRunConfig(folder));
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    return null;
  }
}

function seedsOf(folder: string, note: Note): SeedsSummary | null {
  if (!existsSync(seedsPaths(folder).summary)) return null;
  try {
    return readSeedsSummary(folder);
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    return null;
  }
}

async function readJson(path: string, note: Note): Promise<unknown> {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    note(`${path}: is not JSON (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

function historyOf(path: string, note: Note): HistoryRow[] {
  if (!existsSync(path)) return [];
  try {
    return readHistory(path);
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    return [];
  }
}
