import { join } from "node:path";
import type { Subgroups } from "../evaluate/subgroups.ts";
import { writeFileAtomic } from "./atomic.ts";
import { csvLine } from "./csv.ts";
import { writeJson } from "./results.ts";

/**
 * Writes `subgroups.json` and, a line a figure, `subgroups.csv` into a folder of results.
 *
 * @throws FileWriteError
 */
export async function writeSubgroups(folder: string, subgroups: Subgroups): Promise<void> {
  await writeJson(join(folder, "subgroups.json"), subgroups);
  const lines = subgroups.rows.flatMap(({ column, value, samples, units, tooFew, figures }) => {
    const start = [column, value, samples, units, tooFew];
    if (tooFew) return [csvLine([...start, null, null, null, null])];
    return Object.entries(figures).map(([figure, { value: x, interval }]) =>
      csvLine([...start, figure, x, interval?.[0] ?? null, interval?.[1] ?? null]),
    );
  });
  const header = [
    "column",
    "value",
    "samples",
    "units",
    "too_few",
    "figure",
    "estimate",
    "interval_low",
    "interval_high",
  ];
  await writeFileAtomic(join(folder, "subgroups.csv"), csvLine(header) + lines.join(""));
}
