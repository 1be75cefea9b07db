import { readFile } from "node:fs/promises";
import { CommanderError } from "commander";

export const SUCCESS = 0;
/** Any failure that is not the user's. */
export const FAILURE = 1;
/** Wrong usage, or input that can't be used. */
export const USAGE = 2;
/** 128 + SIGINT, as shells count. */
export const INTERRUPTED = 130;

/** Input that a command can't use: a message for the user, with the file and the reason. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** Some of the input could not be read; the rest was worked on. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

/** Stopped by Ctrl-C, with what there is to say about it. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

/** A result that does not agree with its reference: a benchmark's figures would be worth nothing. */
export class CheckError extends Error {
  override readonly name = "CheckError";
}

/**
 * Which exit code each typed error of the packages means, by its name; an error's own `exitCode` goes first. What is not
 * here is a bug or the system's fault.
 */
const BY_NAME: Readonly<Record<string, number>> = {
  InputError: USAGE,
  // what was given can't be used
  AugmentationError: USAGE,
  CsvError: USAGE,
  DataFolderError: USAGE,
  EarlyStoppingError: USAGE,
  ImageError: USAGE,
  PreprocessingError: USAGE,
  RunFolderError: USAGE,
  ScheduleError: USAGE,
  SplitError: USAGE,
  StateDictError: USAGE,
  UnreadableError: USAGE,
  // the machine, or the run
  CheckError: FAILURE,
  DeviceLimitError: FAILURE,
  FileWriteError: FAILURE,
  GpuError: FAILURE,
  NoAdapterError: FAILURE,
  NonFiniteGradientsError: FAILURE,
  NonFiniteLogitsError: FAILURE,
  NonFiniteLossError: FAILURE,
  NonFiniteWeightsError: FAILURE,
  // asked for by the user
  AbortError: INTERRUPTED,
  InterruptedError: INTERRUPTED,
  StoppedError: INTERRUPTED,
};

/** The system's own errors (open, read, write) that say something about a path that the user gave. */
const BY_SYSTEM_CODE: Readonly<Record<string, { readonly exitCode: number; readonly reason: string }>> = {
  ENOENT: { exitCode: USAGE, reason: "no such file or folder" },
  ENOTDIR: { exitCode: USAGE, reason: "a part of the path is not a folder" },
  EISDIR: { exitCode: USAGE, reason: "is a folder, and a file was expected" },
  EACCES: { exitCode: USAGE, reason: "permission denied" },
  EPERM: { exitCode: USAGE, reason: "not permitted" },
  EROFS: { exitCode: USAGE, reason: "the file system is read-only" },
  ENAMETOOLONG: { exitCode: USAGE, reason: "the name is too long" },
  ENOSPC: { exitCode: FAILURE, reason: "no space is left on the disk" },
  EDQUOT: { exitCode: FAILURE, reason: "the disk quota is used up" },
  EMFILE: { exitCode: FAILURE, reason: "too many open files" },
};

export interface Failure {
  readonly exitCode: number;
  /** For the user; empty where everything was said already. */
  readonly message: string;
  /** True for errors that nobody foresaw: a stack helps then. */
  readonly unforeseen: boolean;
}

/** The text of a file that the user named. What the system says against it names the file. */
export async function readInput(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw Object.assign(error as Error, { path: file }); // reading a folder fails without a path
  }
}

/** What to say of an error, and the exit code for it. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return { exitCode: error.exitCode && USAGE, message: "", unforeseen: false };
  if (!(error instanceof Error)) return { exitCode: FAILURE, message: String(error), unforeseen: true };
  const { code, path } = error as NodeJS.ErrnoException;
  const system = path !== undefined && code !== undefined ? BY_SYSTEM_CODE[code] : undefined;
  if (system && error.name === "Error")
    return { exitCode: system.exitCode, message: `${path}: ${system.reason}`, unforeseen: false };
  const exitCode = system?.exitCode ?? exitCodeOf(error);
  if (exitCode === INTERRUPTED)
    return { exitCode, message: error.name === "AbortError" ? "stopped" : error.message, unforeseen: false };
  const message = error.message + (isOutOfMemory(error) ? OUT_OF_MEMORY_HINT : "");
  return { exitCode: exitCode ?? FAILURE, message, unforeseen: exitCode === undefined };
}

/** The code that a typed error stands for; undefined for any other. */
export function exitCodeOf(error: Error): number | undefined {
  const own = "exitCode" in error ? error.exitCode : undefined;
  return typeof own === "number" ? own : BY_NAME[error.name];
}

const OUT_OF_MEMORY_HINT = "\nA smaller --batch-size or --size needs less memory.";

const isOutOfMemory = (error: Error): boolean =>
  error.name === "DeviceLimitError" || (error.name === "GpuError" && "kind" in error && error.kind === "out-of-memory");
