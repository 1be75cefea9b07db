import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";

const figureSchema = z.object({ value: z.number().nullable(), interval: z.tuple([z.number(), z.number()]).nullable() });

const subgroupsSchema = z.object({
  split: z.string(),
  rows: z.array(
    z.object({
      column: z.string(),
      value: z.string(),
      samples: z.number(),
      units: z.number(),
      tooFew: z.boolean(),
      figures: z.record(z.string(), figureSchema),
    }),
  ),
  leftOut: z.array(z.object({ column: z.string(), why: z.string() })),
});

/** `Subgroups`, as subgroups.json holds them. */
export type ReportSubgroups = z.output<typeof subgroupsSchema>;

/** `results/subgroups.json`; null where there is none. */
export async function readSubgroups(path: string, note: (line: string) => void): Promise<ReportSubgroups | null> {
  if (!existsSync(path)) return null;
  try {
    return subgroupsSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    note(`${path}: holds no figures of subgroups`);
    return null;
  }
}
