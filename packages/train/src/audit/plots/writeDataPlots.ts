import { join } from "node:path";
import { renderPng } from "../../evaluate/svg/png.ts";
import type { Svg } from "../../evaluate/svg/element.ts";
import { writeFileAtomic } from "../../run/atomic.ts";
import { makeFolder } from "../../run/makeFolder.ts";
import type { DataAudit } from "../checkData.ts";
import { aspectsPlot } from "./aspects.ts";
import { classBalancePlot } from "./balance.ts";
import { copiesSheet } from "./copiesSheet.ts";
import { levelsPlot } from "./levels.ts";
import { shortcutsPlot } from "./shortcuts.ts";
import { sizesPlot } from "./sizes.ts";
import { dataTables } from "./tables.ts";

/** The plots of a look at a data set, by name; none of a set of which no picture can be read. */
export function drawDataPlots(audit: DataAudit): Record<string, Svg> {
  if (audit.pictures === 0) return {};
  return {
    class_balance: classBalancePlot(audit),
    levels: levelsPlot(audit),
    dimensions: sizesPlot(audit),
    aspect_ratios: aspectsPlot(audit),
    shortcuts: shortcutsPlot(audit),
  };
}

/**
 * Draws what was found in a data set into a folder, which is made where it is missing: each plot as SVG and PNG with its numbers as CSV, and
 * copies side by side (`copies.svg`, `.png`).
 *
 * @returns the paths of the PNG files
 * @throws FileWriteError
 */
export async function writeDataPlots(folder: string, audit: DataAudit): Promise<string[]> {
  await makeFolder(folder);
  const sheet = await copiesSheet(audit);
  const drawn = { ...drawDataPlots(audit), ...(sheet === null ? {} : { copies: sheet }) };
  const paths: string[] = [];
  for (const [name, svg] of Object.entries(drawn)) paths.push(await writePicture(folder, name, svg));
  for (const [name, text] of Object.entries(dataTables(audit)))
    if (name in drawn) await writeFileAtomic(join(folder, `${name}.csv`), text);
  return paths;
}

/** Writes `name.svg` and `name.png`, and returns the latter's path. */
export async function writePicture(folder: string, name: string, svg: Svg): Promise<string> {
  const path = join(folder, `${name}.png`);
  await writeFileAtomic(join(folder, `${name}.svg`), svg);
  await writeFileAtomic(path, renderPng(svg));
  return path;
}
