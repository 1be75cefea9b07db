import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Subgroups } from "../evaluate/subgroups.ts";
import { writeFileAtomic } from "./atomic.ts";
import { csvLine } from "./csv.ts";
import { writeJson } from "./results.ts";

const figureSchema = z.object({ value: z.number().nullable(), interval: z.tuple([z.number(), z.number()]).nullable() });

/** What `subgroups.json` holds. */
const subgroupsSchema: z.ZodType<Subgroups> = z.object({
  split: z.string(),
  rows: z.array(
    z.object({
      column: z.string(),
      value: z.string(),
      samples: z.number(),
      units: z.number(),
      perClass: z.array(z.number()),
      tooFew: z.boolean(),
      figures: z.record(z.string(), figureSchema),
    }),
  ),
  leftOut: z.array(z.object({ column: z.string(), why: z.string() })),
});

/** `subgroups.json` as `writeSubgroups` leaves it; null where there is none, or none that can be read, with a note. */
export async function readSubgroups(path: string, note: (line: string) => void): Promise<Subgroups | null> {
  if (!existsSync(path)) return null;
  try {
    return subgroupsSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    note(`${path}: holds no figures of subgroups`);
    return null;
  }
}

/**
 * Writes `subgroups.json` and, a line a figure, `subgroups.csv` into a folder of results; null: removes those of other pictures.
 *
 * @throws FileWriteError
 */
export async function writeSubgroups(folder: string, subgroups: Subgroups | null): Promise<void> {
  const [json, table] = [join(folder, "subgroups.json"), join(folder, "subgroups.csv")];
  if (!subgroups) {
    await Promise.all([json, table].map((path) => rm(path, { force: true })));
    return;
  }
  await writeJson(json, subgroups);
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
  await writeFileAtomic(table, csvLine(header) + lines.join(""));
}
