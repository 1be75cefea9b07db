import { dirname } from "node:path";
import { makeFolder } from "./makeFolder.ts";
import { writeFileAtomic } from "./atomic.ts";
import { csvLine } from "./csv.ts";

/** Writes a JSON file (`results/metrics.json`) atomically, making its folder where it is missing. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await makeFolder(dirname(path));
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Writes `results/unreadable.csv` atomically: `split,path,reason` of every picture that was set aside. */
export async function writeUnreadable(
  path: string,
  pictures: readonly { readonly split: string; readonly path: string; readonly reason: string }[],
): Promise<void> {
  const lines = pictures.map((picture) => csvLine([picture.split, picture.path, picture.reason]));
  await writeFileAtomic(path, csvLine(["split", "path", "reason"]) + lines.join(""));
}

export interface PredictionTable {
  /** Class names, in the order of the probabilities. */
  classes: readonly string[];
  /** [N], as the user should see them. */
  paths: readonly string[];
  /** [N] class indices. */
  labels: ArrayLike<number>;
  /** [N] class indices. */
  predicted: ArrayLike<number>;
  /** [N, classes], row by row. */
  probabilities: ArrayLike<number>;
  /** [N] Which pictures are not independent of each other; a last column `group`. Default: no such column. */
  groups?: ArrayLike<string | number> | undefined;
}

/**
 * Writes `results/predictions.csv` atomically: a line an image, `path,label,predicted,prob_<class>...[,group]`, quoted by
 * RFC 4180.
 */
export async function writePredictions(path: string, table: PredictionTable): Promise<void> {
  await makeFolder(dirname(path));
  await writeFileAtomic(path, predictionsCsv(table));
}

/** The text of `predictions.csv`. */
export function predictionsCsv(table: PredictionTable): string {
  const { classes, paths, labels, predicted, probabilities, groups } = table;
  const count = paths.length;
  if (labels.length !== count || predicted.length !== count || probabilities.length !== count * classes.length) {
    throw new RangeError(
      `predictions: ${count} paths and ${classes.length} classes, but ${labels.length} labels, ` +
        `${predicted.length} predicted classes and ${probabilities.length} probabilities`,
    );
  }
  const lines = [
    csvLine(["path", "label", "predicted", ...classes.map((name) => `prob_${name}`), ...(groups ? ["group"] : [])]),
  ];
  for (let i = 0; i < count; i++) {
    const row = classes.map((_, c) => probabilities[i * classes.length + c] ?? NaN);
    lines.push(
      csvLine([
        paths[i] ?? "",
        name(classes, labels[i]),
        name(classes, predicted[i]),
        ...row,
        ...(groups ? [groups[i]!] : []),
      ]),
    );
  }
  return lines.join("");
}

function name(classes: readonly string[], index: number | undefined): string {
  const found = index === undefined ? undefined : classes[index];
  if (found === undefined) throw new RangeError(`predictions: there is no class ${index} (${classes.length} classes)`);
  return found;
}
