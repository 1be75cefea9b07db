import { join } from "node:path";
import type { SeedFigure, SeedSpreads, SeedsSummary } from "@fracture/train";
import { formatInterval, plural } from "./format.ts";
import { formatTable, type Column } from "./table.ts";

const TITLES: Readonly<Record<SeedFigure, string>> = {
  accuracy: "accuracy",
  precision: "precision",
  recall: "recall (sensitivity)",
  specificity: "specificity",
  f1: "F1",
  rocAuc: "AUC",
  averagePrecision: "average precision",
  logLoss: "log loss",
  calibrationError: "calibration error",
};

/** How the figures of several seeds spread, and where all of it lies. */
export function formatSeeds(out: string, summary: SeedsSummary): string {
  const { split, samples, runs, together, val, withoutCopies } = summary;
  const trained = `${out}: ${plural(runs.length, "seed")} trained\n`;
  if (split === null) return `${trained}There are no pictures to judge them by.\n`;
  const parts = [
    trained,
    spreadTable(`${split}, ${plural(samples ?? 0, "picture")}`, summary.figures, together),
    ...(val ? [spreadTable("val", val, null)] : []),
    ...(withoutCopies ? [spreadTable(`${split} without copies`, withoutCopies, null)] : []),
    "The intervals of means are by Student's t, over seeds, on the same pictures. Together: by the mean of the runs' probabilities,\n" +
      "with its interval over pictures.\n",
    `${join(out, "results", "seeds.json")} and seeds.csv hold all of it, ${join(out, "seed-...")} the runs.\n`,
  ];
  return parts.join("\n");
}

function spreadTable(title: string, spreads: SeedSpreads, together: SeedsSummary["together"]): string {
  type Row = readonly [name: string, spread: NonNullable<SeedSpreads[SeedFigure]>, figure: SeedFigure];
  const rows = (Object.keys(TITLES) as SeedFigure[]).flatMap((figure): Row[] => {
    const spread = spreads[figure];
    return spread ? [[TITLES[figure], spread, figure]] : [];
  });
  const number = (title: string, of: (row: Row) => number | null | undefined): Column<Row> => ({
    title,
    cell: (row) => of(row)?.toFixed(3) ?? "",
    align: "right",
  });
  return formatTable<Row>(rows, [
    { title, cell: ([name]) => name },
    number("mean", ([, { mean }]) => mean),
    number("sd", ([, { deviation }]) => deviation),
    number("min", ([, { min }]) => min),
    number("max", ([, { max }]) => max),
    { title: "95% of the mean", cell: ([, { interval }]) => formatInterval(interval) },
    ...(together
      ? [
          number("together", ([, , figure]) => together.figures[figure]),
          { title: "95%", cell: ([, , figure]: Row) => formatInterval(together.intervals[figure]) },
        ]
      : []),
  ]);
}
