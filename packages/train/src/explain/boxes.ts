import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readTable } from "../data/table.ts";
import { CsvError } from "../run/csv.ts";
import { ExplainError } from "./errors.ts";
import type { Rectangle } from "./heatMap.ts";

/** A picture of which it is known where its class shows. */
export interface BoxedPicture {
  readonly path: string;
  readonly class: string;
  /** In its pixels, from its upper left corner. */
  readonly boxes: readonly Rectangle[];
}

const SIDES = ["left", "top", "width", "height"] as const;

/**
 * Reads where things are: a CSV file with `path` (relative to it), `class`, `left`, `top`, `width`, `height` in pixels, and perhaps `split`, a line
 * a box; or a phantom set, whose `phantom.csv` is one. Lines without a box are passed over.
 *
 * @param split whose pictures, where the file has that column
 * @throws ExplainError where there is none, CsvError naming the line
 */
export function readBoxes(path: string, split: string): BoxedPicture[] {
  const file = csvOf(path);
  const base = dirname(file);
  const found = new Map<string, { class: string; boxes: Rectangle[] }>();
  for (const { line, cells } of readTable(file, ["path", "class", ...SIDES]).rows) {
    if ((cells["split"] ?? split) !== split || SIDES.every((side) => cells[side] === "")) continue;
    const [left, top, width, height] = SIDES.map((side) => {
      const value = cells[side] === "" ? NaN : Number(cells[side]);
      const least = side === "width" || side === "height" ? Number.MIN_VALUE : -Infinity;
      if (Number.isFinite(value) && value >= least) return value;
      throw new CsvError(file, `line ${line}: ${side} is no number of pixels (${JSON.stringify(cells[side])})`);
    }) as [number, number, number, number];
    const picture = resolve(base, cells["path"]!);
    const entry = found.get(picture) ?? { class: cells["class"]!, boxes: [] };
    if (entry.class !== cells["class"])
      throw new CsvError(
        file,
        `line ${line}: ${cells["path"]} was of class "${entry.class}" before, and is "${cells["class"]}" here`,
      );
    entry.boxes.push({ left, top, width, height });
    found.set(picture, entry);
  }
  if (found.size === 0) throw new ExplainError(`${file}: has no picture of the ${split} split with a box`);
  return [...found].map(([picture, entry]) => ({ path: picture, ...entry }));
}

function csvOf(path: string): string {
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info) throw new ExplainError(`${path}: no such file or folder`);
  if (!info.isDirectory()) return path;
  const file = join(path, "phantom.csv");
  if (statSync(file, { throwIfNoEntry: false })) return file;
  throw new ExplainError(
    `${path}: is no phantom set (phantom.csv is missing); of other pictures a CSV file has to say where things are: path,class,left,top,width,height`,
  );
}
