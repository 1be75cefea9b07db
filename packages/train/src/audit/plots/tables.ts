import { csvLine, type CsvCell } from "../../run/csv.ts";
import type { DataAudit } from "../checkData.ts";
import { ASPECT_EDGES } from "../distributions.ts";
import { LEVEL_BINS } from "../fingerprint.ts";
import { aspectShares } from "./aspects.ts";
import { sizesOfClass } from "./sizes.ts";

/** The numbers of the data check's plots as CSV, by the plot's name. */
export function dataTables(audit: DataAudit): Record<string, string> {
  const { summary, shortcuts, classes } = audit;
  const aspects = aspectShares(audit);
  return {
    class_balance: table(
      ["split", "class", "pictures", "share"],
      summary.map((row) => [row.split, row.class, row.pictures, row.share]),
    ),
    levels: table(
      ["split", "class", "from", "below", "share_of_pixels"],
      summary.flatMap((row) =>
        row.levels.map((share, bin) => {
          const edge = (i: number): number => (i * 256) / LEVEL_BINS;
          return [row.split, row.class, edge(bin), edge(bin + 1), share];
        }),
      ),
    ),
    dimensions: table(
      ["class", "width", "height", "pictures"],
      classes.flatMap((name) =>
        sizesOfClass(audit, name).map((size) => [name, size.width, size.height, size.pictures]),
      ),
    ),
    aspect_ratios: table(
      ["class", "from", "below", "share_of_class"],
      classes.flatMap((name, label) =>
        aspects[label]!.map((share, bin) => [name, ASPECT_EDGES[bin]!, ASPECT_EDGES[bin + 1]!, share]),
      ),
    ),
    shortcuts: table(
      ["property", "class", "larger", "auc", "interval_low", "interval_high", "suspicious"],
      shortcuts.map((row) => [
        row.from,
        row.class,
        row.larger,
        row.auc,
        row.interval?.[0] ?? null,
        row.interval?.[1] ?? null,
        row.suspicious,
      ]),
    ),
    copies: table(
      ["picture", "split", "copy_of", "in", "kind", "similarity", "how"],
      audit.leaks.flatMap(({ split, of, pairs }) =>
        pairs.map(({ a, b, kind, similarity, how }) => [a, split, b, of, kind, similarity, how]),
      ),
    ),
  };
}

const table = (columns: readonly string[], rows: readonly (readonly CsvCell[])[]): string =>
  csvLine(columns) + rows.map(csvLine).join("");
