import type { Command } from "commander";
import type { Comparison, Difference } from "@fracture/train";
import type { Io } from "../io.ts";
import { integer } from "../options.ts";
import { formatPairs, formatTable } from "../output/table.ts";

interface CompareFlags {
  readonly seed: number;
  readonly json: boolean;
}

/** `fracture compare` */
export function compareCommand(program: Command, io: Io): void {
  program
    .command("compare")
    .description("compare two runs on the same test pictures: who is right where only one is, and by how much")
    .argument("<first>", "a run folder, one of several seeds, or a folder that eval --out wrote")
    .argument("<second>", "another one, tested on the same pictures")
    .option("--seed <n>", "of the draws that the intervals come from", integer(0), 0)
    .option("--json", "print the figures as JSON", false)
    .action((first: string, second: string, flags: CompareFlags) => compare(io, first, second, flags));
}

async function compare(io: Io, first: string, second: string, { seed, json }: CompareFlags): Promise<void> {
  const { compareRuns } = await import("@fracture/train");
  const comparison = compareRuns(first, second, { seed });
  io.stdout.write(json ? `${JSON.stringify(comparison, null, 2)}\n` : formatComparison(comparison));
}

function formatComparison({
  first,
  second,
  samples,
  positiveClass,
  groups,
  accuracy,
  rocAuc,
  mcnemar,
  seeds,
}: Comparison): string {
  const rows: [string, Difference][] = [["accuracy", accuracy]];
  if (rocAuc) rows.push([positiveClass === null ? "mean AUC" : `AUC of "${positiveClass}"`, rocAuc]);
  const { onlyFirst, onlySecond, pValue, method } = mcnemar;
  const figures = formatTable(rows, [
    { title: `${samples} pictures`, cell: ([name]) => name },
    { title: "first", cell: ([, figure]) => figure.first.toFixed(3), align: "right" },
    { title: "second", cell: ([, figure]) => figure.second.toFixed(3), align: "right" },
    { title: "difference", cell: ([, figure]) => signed(figure.difference), align: "right" },
    { title: "95% interval", cell: ([, { interval }]) => (interval ? interval.map(signed).join(" to ") : "") },
  ]);
  const pairs = formatPairs([
    ["first", first],
    ["second", second],
  ]);
  const test = `McNemar's test (${method}): only the first is right on ${onlyFirst}, only the second on ${onlySecond}; p = ${pValue < 1e-4 ? pValue.toExponential(1) : pValue.toFixed(4)}.`;
  const films =
    groups === null
      ? ""
      : `Intervals are over ${groups} groups of pictures of one film or patient; McNemar's test is over pictures.\n`;
  const runs = seeds ? `\n${formatSeeds(seeds)}` : "";
  return `${pairs}\n${figures}\n${test}\n${films}${runs}`;
}

function formatSeeds({ first, second, accuracy, rocAuc }: NonNullable<Comparison["seeds"]>): string {
  const rows = [["mean accuracy", accuracy] as const, ["mean AUC", rocAuc] as const].flatMap(([name, figure]) =>
    figure ? [[name, figure] as const] : [],
  );
  const figures = formatTable(rows, [
    { title: `runs: ${first} and ${second}`, cell: ([name]) => name },
    { title: "first", cell: ([, figure]) => figure.first.toFixed(3), align: "right" },
    { title: "second", cell: ([, figure]) => figure.second.toFixed(3), align: "right" },
    { title: "difference", cell: ([, figure]) => signed(figure.difference), align: "right" },
    { title: "95% interval", cell: ([, { interval }]) => (interval ? interval.map(signed).join(" to ") : "") },
  ]);
  return `The figures above are those of the mean of the runs' probabilities. Over seeds, by Welch's t:\n${figures}`;
}

const signed = (value: number): string => `${value < 0 ? "" : "+"}${value.toFixed(3)}`;
