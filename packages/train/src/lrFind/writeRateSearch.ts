import { join } from "node:path";
import { rateSearchPlot } from "../evaluate/plots/rateSearch.ts";
import type { Svg } from "../evaluate/svg/element.ts";
import { renderPng } from "../evaluate/svg/png.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { csvLine } from "../run/csv.ts";
import { writeJson } from "../run/results.ts";
import { runPaths } from "../run/runFolder.ts";
import type { RateSearch } from "./findRate.ts";

/** The plot of a sweep. */
export const drawRateSearch = ({ stage, steps, points, diverged, suggestions }: RateSearch): Svg =>
  rateSearchPlot(
    { points, diverged, suggestions: { ...suggestions } },
    `stage "${stage.name}", ${points.length} of ${steps} steps`,
  );

/**
 * Writes `results/lr-find.json`, `.csv` (a line a step), `.svg` and `.png` into a folder, such as a run's.
 *
 * @returns the paths
 * @throws FileWriteError
 */
export async function writeRateSearch(folder: string, search: RateSearch): Promise<string[]> {
  const path = (extension: string): string => join(runPaths(folder).results, `lr-find.${extension}`);
  await writeJson(path("json"), search);
  const lines = search.points.map(({ lr, loss, smoothed }) => csvLine([lr, loss, smoothed]));
  await writeFileAtomic(path("csv"), csvLine(["lr", "loss", "smoothed"]) + lines.join(""));
  const svg = drawRateSearch(search);
  await writeFileAtomic(path("svg"), svg);
  await writeFileAtomic(path("png"), renderPng(svg));
  return ["json", "csv", "svg", "png"].map(path);
}
