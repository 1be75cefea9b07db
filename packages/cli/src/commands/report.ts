import type { Command } from "commander";
import type { Io } from "../io.ts";
import { path } from "../options.ts";
import { printable } from "../output/format.ts";

interface ReportFlags {
  readonly out?: string;
  readonly pictures: boolean;
  readonly json: boolean;
}

/** `fracture report` */
export function reportCommand(program: Command, io: Io): void {
  program
    .command("report")
    .description(
      "make a run's report again, from its folder alone: one HTML file that needs nothing else, and a model card; research use, not a medical device",
    )
    .argument("<run>", "a run folder, finished or not, or a folder that eval --out wrote", path)
    .option(
      "--out <file>",
      "the HTML file (default: report.html where the run's figures are); model-card.md lies beside it",
      path,
    )
    .option("--no-pictures", "leave pictures of the data set out, so that it can be shown to others")
    .option("--json", "print where both are, as JSON", false)
    .action((folder: string, flags: ReportFlags) => report(io, folder, flags));
}

async function report(io: Io, folder: string, { out, pictures, json }: ReportFlags): Promise<void> {
  const { writeReport } = await import("@fracture/train");
  const written = await writeReport(folder, { pictures, ...(out === undefined ? {} : { out }) });
  const { html, modelCard } = written;
  const { notes } = written.report;
  for (const note of notes) io.stderr.write(`fracture: left out: ${printable(note)}\n`);
  io.stdout.write(
    json
      ? `${JSON.stringify({ report: html, modelCard, notes }, null, 2)}\n`
      : `The report is ${html}, the model card ${modelCard}.\n`,
  );
}
