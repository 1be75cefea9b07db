import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseCsv } from "../run/csv.ts";
import { runPaths } from "../run/runFolder.ts";
import { CompareError } from "./errors.ts";

/** What `predictions.csv` holds. */
export interface PredictionFile {
  readonly path: string;
  readonly classes: readonly string[];
  /** [n] As they are in the table. */
  readonly paths: readonly string[];
  /** [n] The pictures' names below the folder that holds them all, with "/" on every system. */
  readonly names: readonly string[];
  /** [n] class indices. */
  readonly labels: readonly number[];
  readonly predicted: readonly number[];
  /** [n, classes] */
  readonly probabilities: readonly number[];
  /** [n] Which pictures are not independent of each other; null where the table doesn't say. */
  readonly groups: readonly string[] | null;
}

const PREFIX = "prob_";

/**
 * Reads the predictions of a run folder (its test split), of a folder that `eval --out` wrote, or a `predictions.csv` itself.
 *
 * @throws CompareError
 */
export function readPredictions(argument: string): PredictionFile {
  const path = predictionsPath(argument);
  const [header = [], ...records] = parseCsv(readFileSync(path, "utf8"));
  const classes = header.slice(3).flatMap((name) => (name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
  if (header.slice(0, 3).join() !== "path,label,predicted" || classes.length < 2)
    throw new CompareError(`${path}: is no table of predictions (path, label, predicted, prob_CLASS...)`);
  if (records.length === 0) throw new CompareError(`${path}: holds no predictions`);
  const indexOf = (name: string | undefined, line: number): number => {
    const index = classes.indexOf(name ?? "");
    if (index < 0) throw new CompareError(`${path}: line ${line} has the class "${name}", which has no probabilities`);
    return index;
  };
  const probabilities = records.flatMap((record, i) =>
    classes.map((name, c) => {
      const text = record[3 + c] ?? "";
      const value = text === "" ? NaN : Number(text);
      if (value >= 0 && value <= 1) return value;
      throw new CompareError(`${path}: line ${i + 2} has no probability of "${name}" (${JSON.stringify(text)})`);
    }),
  );
  const paths = records.map(([name = ""]) => name);
  return {
    path,
    classes,
    paths,
    names: withoutCommonFolder(paths),
    labels: records.map(([, label], i) => indexOf(label, i + 2)),
    predicted: records.map(([, , predicted], i) => indexOf(predicted, i + 2)),
    probabilities,
    groups: header.at(-1) === "group" ? records.map((record) => record[header.length - 1] ?? "") : null,
  };
}

function predictionsPath(argument: string): string {
  if (!existsSync(argument)) throw new CompareError(`${argument}: no such run folder`);
  if (!statSync(argument).isDirectory()) return argument;
  const found = [runPaths(argument).predictions, join(argument, "predictions.csv")].find((path) => existsSync(path));
  if (found === undefined)
    throw new CompareError(
      `${argument}: holds no predictions (results/predictions.csv): a run writes them when it is finished, "fracture eval --out" for any model`,
    );
  return found;
}

/** Two runs may have found the same pictures in different places. */
function withoutCommonFolder(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split(/[\\/]/));
  const [first = []] = parts;
  let common = 0;
  while (parts.every((names) => names.length > common + 1 && names[common] === first[common])) common++;
  return parts.map((names) => names.slice(common).join("/"));
}
