import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../run/atomic.ts";
import { csvLine } from "../run/csv.ts";
import { writeJson } from "../run/results.ts";
import { RunFolderError, runPaths } from "../run/runFolder.ts";
import { seedsPaths } from "./seedsFolder.ts";
import { spreadOf } from "./spread.ts";

/** Figures of a run that are compared over seeds, in the order in which they are shown. */
export const SEED_FIGURES = [
  "accuracy",
  "precision",
  "recall",
  "specificity",
  "f1",
  "rocAuc",
  "averagePrecision",
  "logLoss",
  "calibrationError",
] as const;
export type SeedFigure = (typeof SEED_FIGURES)[number];

const figureSchema = z.number().nullable().default(null);
const figuresSchema = z.object({
  accuracy: figureSchema,
  precision: figureSchema,
  recall: figureSchema,
  specificity: figureSchema,
  f1: figureSchema,
  rocAuc: figureSchema,
  averagePrecision: figureSchema,
  logLoss: figureSchema,
  calibrationError: figureSchema,
} satisfies Record<SeedFigure, typeof figureSchema>);
/** The figures of one run on one split; null where one is undefined. */
export type SeedFigures = z.output<typeof figuresSchema>;

const intervalSchema = z.tuple([z.number(), z.number()]);
const spreadSchema = z
  .object({
    runs: z.int(),
    mean: z.number(),
    deviation: z.number().nullable(),
    min: z.number(),
    max: z.number(),
    interval: intervalSchema.nullable(),
  })
  .nullable();
const spreadsSchema = z.record(z.enum(SEED_FIGURES), spreadSchema);
export type SeedSpreads = z.output<typeof spreadsSchema>;

const runSchema = z.object({
  seed: z.int(),
  /** Within the folder. */
  folder: z.string(),
  epochs: z.int(),
  bestEpoch: z.int().nullable(),
  /** Of `split`. */
  figures: figuresSchema,
  /** Of the validation split, where `split` is another. */
  val: figuresSchema.nullable(),
  /** Of `split`, without pictures that are copies of training pictures; null where none is. */
  withoutCopies: figuresSchema.nullable(),
});
export type SeedRun = z.output<typeof runSchema>;

const summarySchema = z.object({
  /** Whose figures these are: test, or val where there is no test split; null where there is neither. */
  split: z.enum(["test", "val"]).nullable(),
  samples: z.int().nullable(),
  positiveClass: z.string().nullable(),
  /** Of the runs that are finished, in the order of the seeds. */
  runs: z.array(runSchema),
  /** Seeds whose runs are not. */
  missing: z.array(z.int()),
  figures: spreadsSchema,
  val: spreadsSchema.nullable(),
  withoutCopies: spreadsSchema.nullable(),
  /** Of the mean of the runs' probabilities, with 95% intervals over the pictures; null until all runs are finished. */
  together: z
    .object({
      figures: figuresSchema,
      intervals: z.record(z.enum(SEED_FIGURES), intervalSchema.nullable()),
      /** From which mean probability on the positive class is decided for: the runs' mean; null: the larger probability decides. */
      threshold: z.number().nullable(),
    })
    .nullable(),
});

/** `results/seeds.json` */
export type SeedsSummary = z.output<typeof summarySchema>;

/** @throws RunFolderError where there is none, or it is damaged */
export function readSeedsSummary(folder: string): SeedsSummary {
  const { summary } = seedsPaths(folder);
  if (!existsSync(summary)) throw new RunFolderError(folder, "missing", "holds no figures of several seeds");
  const parsed = summarySchema.safeParse(JSON.parse(readFileSync(summary, "utf8")));
  if (!parsed.success) throw new RunFolderError(summary, "invalid", `is damaged (${z.prettifyError(parsed.error)})`);
  return parsed.data;
}

/** Writes `results/seeds.json` and `results/seeds.csv`, a line a run and split. */
export async function writeSeedsSummary(folder: string, summary: SeedsSummary): Promise<void> {
  const { summary: json, table } = seedsPaths(folder);
  await writeJson(json, summary);
  const lines = summary.runs.flatMap(({ seed, figures, val, withoutCopies }) =>
    (
      [
        [summary.split, figures],
        ["val", val],
        [`${summary.split} without copies`, withoutCopies],
      ] as const
    ).flatMap(([split, of]) => (of ? [csvLine([seed, split, ...SEED_FIGURES.map((name) => of[name])])] : [])),
  );
  await writeFileAtomic(table, csvLine(["seed", "split", ...SEED_FIGURES]) + lines.join(""));
}

/** The spread of each figure over runs. */
export const spreadsOf = (figures: readonly SeedFigures[]): SeedSpreads =>
  Object.fromEntries(
    SEED_FIGURES.map(
      (name) =>
        [
          name,
          spreadOf(
            figures.map((of) => of[name]),
            [0, name === "logLoss" ? Infinity : 1],
          ),
        ] as const,
    ),
  ) as SeedSpreads;

const metricsSchema = figuresSchema.extend({
  split: z.enum(["test", "val"]),
  samples: z.int(),
  positiveClass: z.string().nullable(),
  epochs: z.int(),
  bestEpoch: z.int().nullable(),
  decision: z
    .object({ threshold: z.object({ value: z.number() }).nullable() })
    .nullable()
    .default(null),
  val: figuresSchema.nullable().default(null),
  withoutCopies: z
    .partialRecord(z.enum(["test", "val"]), z.object({ metrics: figuresSchema.nullable() }).nullable())
    .default({}),
});

/** What a finished run's `metrics.json` says. */
export type RunMetrics = z.output<typeof metricsSchema>;

/** Of a run folder: null where the run has no labelled pictures to be judged by, or is not finished. */
export function readRunMetrics(folder: string): RunMetrics | null {
  const { metrics: path } = runPaths(folder);
  if (!existsSync(path)) return null;
  const parsed = metricsSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!parsed.success) throw new RunFolderError(path, "invalid", `is damaged (${z.prettifyError(parsed.error)})`);
  return parsed.data;
}

/** A finished run, as the summary has it. */
export function seedRunOf(
  folder: string,
  { seed, epochs, bestEpoch }: Pick<SeedRun, "seed" | "epochs" | "bestEpoch">,
): SeedRun {
  const metrics = readRunMetrics(folder);
  const clean = metrics?.withoutCopies[metrics.split]?.metrics;
  return {
    seed,
    folder: basename(folder),
    epochs,
    bestEpoch,
    figures: figuresSchema.parse(metrics ?? {}),
    val: metrics?.val ? figuresSchema.parse(metrics.val) : null,
    withoutCopies: clean ? figuresSchema.parse(clean) : null,
  };
}

/** What the runs that are finished have in common. */
export function summaryOf(out: string, seeds: readonly number[], runs: ReadonlyMap<number, SeedRun>): SeedsSummary {
  const finished = seeds.flatMap((seed) => runs.get(seed) ?? []);
  const [first] = finished;
  const metrics = first ? readRunMetrics(join(out, first.folder)) : null;
  const over = (of: "val" | "withoutCopies"): SeedSpreads | null => {
    const figures = finished.flatMap((run) => run[of] ?? []);
    return figures.length === 0 ? null : spreadsOf(figures);
  };
  return {
    split: metrics?.split ?? null,
    samples: metrics?.samples ?? null,
    positiveClass: metrics?.positiveClass ?? null,
    runs: finished,
    missing: seeds.filter((seed) => !runs.has(seed)),
    figures: spreadsOf(finished.map(({ figures }) => figures)),
    val: over("val"),
    withoutCopies: over("withoutCopies"),
    together: null,
  };
}
