import type { Command } from "commander";
import type { Io } from "../io.ts";
import { integer, path, positive } from "../options.ts";
import { formatCount, plural, printable } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { Rate } from "../output/rate.ts";
import { formatTable } from "../output/table.ts";

interface SplitFlags {
  readonly out: string;
  readonly valFraction: number;
  readonly testFraction: number;
  readonly seed: number;
  readonly patientPattern?: string;
  readonly patients?: string;
  readonly json: boolean;
}

/** `fracture data split` */
export function dataSplitCommand(data: Command, io: Io): void {
  data
    .command("split")
    .description(
      "split a data set anew, with copies of one film and pictures of one patient kept together, into a CSV file that every command takes in place of the folder; no picture is moved",
    )
    .argument(
      "<data>",
      "the pictures, laid out as for training, or a .csv that lists them; splits that it has don't count",
    )
    .requiredOption("--out <csv>", "the file to write, not among the pictures", path)
    .option("--val-fraction <x>", "part of the pictures to validate on", positive({ zero: true }), 0.1)
    .option("--test-fraction <x>", "part of the pictures to test on", positive({ zero: true }), 0.1)
    .option("--seed <n>", "another seed, another split", integer(0), 0)
    .option(
      "--patient-pattern <regex>",
      "whose group tells the patient from a picture's path in its class folder, such as '^(\\d+)_'",
    )
    .option("--patients <csv>", "a file with columns path and patient, paths within the data folder", path)
    .option("--json", "print what was made as JSON", false)
    .action((root: string, flags: SplitFlags) => split(io, root, flags));
}

async function split(io: Io, root: string, flags: SplitFlags): Promise<void> {
  const { splitData, SPLITS } = await import("@fracture/train");
  const { out, valFraction: val, testFraction: test, seed, patientPattern, patients, json } = flags;
  using progress = new Progress(io.stderr);
  const rate = new Rate("pictures");
  const summary = await splitData(root, {
    out,
    seed,
    fractions: { train: 1 - val - test, val, test },
    ...(patientPattern === undefined ? {} : { patientPattern }),
    ...(patients === undefined ? {} : { patients }),
    signal: io.signal,
    onProgress: ({ done, total }) => progress.update(`reading: ${rate.text(done, total)}`),
  });
  progress.clear();
  const { classes, counts, groups, largestGroup, unreadable } = summary;
  for (const file of unreadable) progress.line(`left out: ${printable(file.path)}: ${printable(file.reason)}`);
  if (json) return io.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  const total = SPLITS.flatMap((name) => counts[name]).reduce((sum, count) => sum + count, 0);
  const kept = groups === 0 ? "" : `; ${plural(groups, "group")} of up to ${formatCount(largestGroup)} kept together`;
  io.stdout.write(`${printable(out)}: ${plural(total, "picture")}${kept}\n\n`);
  io.stdout.write(
    formatTable(
      SPLITS.filter((name) => counts[name].some((count) => count > 0)),
      [
        { title: "split", cell: (name) => name },
        ...classes.map((title, label) => ({
          title,
          cell: (name: (typeof SPLITS)[number]) => formatCount(counts[name][label]!),
          align: "right" as const,
        })),
      ],
    ),
  );
}
