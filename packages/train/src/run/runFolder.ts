import { constants, existsSync, statSync } from "node:fs";
import { access, readFile, readdir, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { makeFolder } from "./makeFolder.ts";
import { removeAbandonedTemporaries } from "./atomic.ts";
import { CsvAppender } from "./csv.ts";
import {
  HISTORY_COLUMNS,
  HISTORY_SCALE_COLUMNS,
  historyCells,
  type HistoryColumn,
  type HistoryRow,
} from "./history.ts";
import { writeJson } from "./results.ts";

/** The format of the folder; `config.json` carries it, and marks the folder as one of ours. */
export const RUN_FORMAT = "fracture-run/1";

export type RunFolderFault = "exists" | "missing" | "notAFolder" | "notWritable" | "foreign" | "invalid";

/** The folder can't be used as asked: wrong usage or input, which a command line reports with exit code 2. */
export class RunFolderError extends Error {
  override readonly name = "RunFolderError";
  readonly exitCode = 2;
  readonly path: string;
  readonly fault: RunFolderFault;

  constructor(path: string, fault: RunFolderFault, message: string) {
    super(`${path}: ${message}`);
    this.path = path;
    this.fault = fault;
  }
}

/** Where everything lies in a run folder. */
export function runPaths(folder: string) {
  const results = join(folder, "results");
  return {
    folder,
    config: join(folder, "config.json"),
    history: join(folder, "history.csv"),
    steps: join(folder, "steps.csv"),
    best: join(folder, "best.safetensors"),
    last: join(folder, "last.safetensors"),
    results,
    metrics: join(results, "metrics.json"),
    predictions: join(results, "predictions.csv"),
    unreadable: join(results, "unreadable.csv"),
    dataCheck: join(results, "data-check.json"),
    environment: join(results, "environment.json"),
  };
}

export type RunPaths = ReturnType<typeof runPaths>;

/** How far the checkpoint is that a run resumes from. */
export interface RunPosition {
  /** Epochs completed, all stages together. */
  epochs: number;
  /** Steps completed, all epochs together. */
  steps: number;
}

export type OpenRunOptions = {
  /** Columns for the loss scale and for skipped steps. Default: false. */
  readonly scaled?: boolean;
} &
  /** `config` is what `config.json` will hold: everything needed to run it again. */
  (
    | { mode: "new" | "overwrite"; config: Readonly<Record<string, unknown>> & { format?: never } }
    /** Keeps what the checkpoint knows of and drops the lines after it; `config.json` stays as it is. */
    | { mode: "resume"; position: RunPosition }
  );

/** One line of `steps.csv`. `step` counts from 1 over the whole run, `epoch` too. `lr` is the head's. */
export interface StepRow {
  epoch: number;
  step: number;
  loss: number;
  lr: number;
  /** In mixed precision: that of this step. */
  lossScale?: number;
  /** In mixed precision: gradients overflowed, and nothing was updated. */
  skipped?: boolean;
}

const STEP_COLUMNS = ["epoch", "step", "loss", "lr"] as const;
/** What mixed precision adds. */
const STEP_SCALE_COLUMNS = ["loss_scale", "skipped"] as const;
type StepColumn = (typeof STEP_COLUMNS)[number] | (typeof STEP_SCALE_COLUMNS)[number];
const RUN_FILES = ["config", "history", "steps", "best", "last"] as const;
const EVENT_FILE = /^events\.out\.tfevents\./;

/** An open run folder: where a training run writes what it does, line by line, so that a kill loses nothing. */
export class RunFolder {
  readonly paths: RunPaths;
  readonly #history: CsvAppender<HistoryColumn>;
  readonly #steps: CsvAppender<StepColumn>;

  private constructor(paths: RunPaths, history: CsvAppender<HistoryColumn>, steps: CsvAppender<StepColumn>) {
    this.paths = paths;
    this.#history = history;
    this.#steps = steps;
  }

  /**
   * - `new` creates the folder, and refuses one that holds a run.
   * - `overwrite` removes the run that is there (its own files, event files and `results/`; nothing else) and starts over.
   *   It refuses a folder whose files are not a run of ours.
   * - `resume` goes on with the run that is there, from the position of its checkpoint.
   *
   * @throws RunFolderError
   */
  static async open(folder: string, options: OpenRunOptions): Promise<RunFolder> {
    const paths = runPaths(folder);
    await checkRunFolder(folder, options.mode);
    if (options.mode === "overwrite" && runFilesIn(paths).length > 0) await removeRun(paths);
    await makeFolder(paths.results);
    await removeAbandonedTemporaries(folder);
    await removeAbandonedTemporaries(paths.results);
    if (options.mode !== "resume") {
      await writeJson(paths.config, { format: RUN_FORMAT, ...options.config });
    }
    const { epochs, steps } = options.mode === "resume" ? options.position : { epochs: 0, steps: 0 };
    const { scaled = false } = options;
    return new RunFolder(
      paths,
      await CsvAppender.open<HistoryColumn>(
        paths.history,
        scaled ? [...HISTORY_COLUMNS, ...HISTORY_SCALE_COLUMNS] : HISTORY_COLUMNS,
        (record) => Number(record.epoch) <= epochs,
      ),
      await CsvAppender.open<StepColumn>(
        paths.steps,
        scaled ? [...STEP_COLUMNS, ...STEP_SCALE_COLUMNS] : STEP_COLUMNS,
        (record) => Number(record.step) <= steps,
      ),
    );
  }

  /** Adds a line to `steps.csv`. */
  appendStep(row: StepRow): void {
    const { epoch, step, loss, lr, lossScale = null, skipped = false } = row;
    this.#steps.append({ epoch, step, loss, lr, loss_scale: lossScale, skipped: Number(skipped) });
  }

  /** Adds a line to `history.csv`, and makes it and the steps before it survive a power cut. */
  appendEpoch(row: HistoryRow): void {
    this.#history.append(historyCells(row));
    this.sync();
  }

  /** Makes every line so far survive a power cut. Call it before a checkpoint is written. */
  sync(): void {
    this.#steps.sync();
    this.#history.sync();
  }

  close(): void {
    this.#steps.close();
    this.#history.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Whether a folder can be opened so, without changing anything: what makes a run fail is better known before its hours of work.
 *
 * @throws RunFolderError
 */
export async function checkRunFolder(folder: string, mode: OpenRunOptions["mode"]): Promise<void> {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new RunFolderError(folder, "notAFolder", "is a file, and a run needs a folder");
  }
  await refuseUnwritable(folder);
  const found = runFilesIn(runPaths(folder));
  if (mode === "new" && found.length > 0) {
    throw new RunFolderError(
      folder,
      "exists",
      `already holds a run (${found.join(", ")}); resume it (--resume), replace it (--overwrite), or choose another folder`,
    );
  }
  if (mode === "resume" && found.length === 0) throw new RunFolderError(folder, "missing", "holds no run to resume");
  if (mode === "resume" || found.length > 0) await readRunConfig(folder);
}

/** The folder, or the nearest one above it that is there, must take new files. */
async function refuseUnwritable(folder: string): Promise<void> {
  let there = resolve(folder);
  while (!existsSync(there)) there = dirname(there);
  if (!statSync(there).isDirectory())
    throw new RunFolderError(folder, "notAFolder", `can't be made: ${there} is a file`);
  await access(there, constants.W_OK | constants.X_OK).catch(() => {
    throw new RunFolderError(folder, "notWritable", `can't be written: ${there} takes no new files`);
  });
}

/**
 * What `config.json` holds, without the format mark.
 *
 * @throws RunFolderError where it is missing, is no JSON object, or is not marked as ours
 */
export async function readRunConfig(folder: string): Promise<Record<string, unknown>> {
  const path = runPaths(folder).config;
  if (!existsSync(path)) throw new RunFolderError(folder, "missing", "holds no run (config.json is missing)");
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new RunFolderError(
      path,
      "invalid",
      `is not JSON (${error instanceof Error ? error.message : String(error)})`,
    );
  }
  if (typeof parsed !== "object" || parsed === null || !("format" in parsed) || parsed.format !== RUN_FORMAT) {
    throw new RunFolderError(path, "foreign", `is not the configuration of a run ("format" is not "${RUN_FORMAT}")`);
  }
  const { format: _, ...config } = parsed;
  return config;
}

function runFilesIn(paths: RunPaths): string[] {
  return RUN_FILES.filter((name) => existsSync(paths[name])).map((name) => basename(paths[name]));
}

// Only what a run wrote, and only in a folder that says it is one: --overwrite on the wrong folder must not eat it.
async function removeRun(paths: RunPaths): Promise<void> {
  await readRunConfig(paths.folder);
  for (const name of await readdir(paths.folder)) {
    if (EVENT_FILE.test(name)) await rm(join(paths.folder, name));
  }
  await rm(paths.results, { recursive: true, force: true });
  // config.json last: interrupted, the folder is still recognised.
  for (const name of [...RUN_FILES].reverse()) await rm(paths[name], { force: true });
}

/** Removes a run, as `overwrite` does, and its folder where nothing else is in it. A folder without a run is left alone. */
export async function removeRunFolder(folder: string): Promise<void> {
  const paths = runPaths(folder);
  if (runFilesIn(paths).length === 0) return;
  await removeRun(paths);
  if ((await readdir(folder)).length === 0) await rmdir(folder);
}
