import { join } from "node:path";
import type { DataAudit } from "@fracture/train";
import type { Command } from "commander";
import { InputError } from "../exitCodes.ts";
import type { Io } from "../io.ts";
import { integer, path } from "../options.ts";
import { formatAudit } from "../output/dataAudit.ts";
import { plural, printable } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { Rate } from "../output/rate.ts";

interface CheckFlags {
  readonly patientPattern?: string;
  readonly patients?: string;
  readonly out?: string;
  readonly pairs: number;
  readonly strict: boolean;
  readonly json: boolean;
}

/** `fracture data check` */
export function dataCheckCommand(data: Command, io: Io): void {
  data
    .command("check")
    .description(
      "look at a data set before training on it: copies across splits and classes, patients in two splits, what can't be read, and what gives the class away that is no bone",
    )
    .argument("<data>", "the pictures, laid out as for training, or a .csv that lists them; nothing is written there")
    .option(
      "--patient-pattern <regex>",
      "whose group tells the patient from a picture's path in its class folder, such as '^(\\d+)_'",
    )
    .option("--patients <csv>", "a file with columns path and patient, paths within the data folder", path)
    .option("--pairs <n>", "names to list of each kind", integer(0), 20)
    .option(
      "--out <folder>",
      "write all that is found there as JSON, with plots (SVG, PNG) and their numbers (CSV); a name that ends in .json: that file alone",
      path,
    )
    .option(
      "--strict",
      "exit with 2 for copies across splits, contradicting labels, patients in two splits or unreadable pictures",
      false,
    )
    .option("--json", "print all that is found as JSON", false)
    .action((root: string, flags: CheckFlags) => check(io, root, flags));
}

async function check(io: Io, root: string, flags: CheckFlags): Promise<void> {
  const { checkData, refuseInside, writeAudit } = await import("@fracture/train");
  const { patientPattern, patients, out, pairs, strict, json } = flags;
  // Before the work, not after it.
  if (out !== undefined) await refuseInside(out, root);
  using progress = new Progress(io.stderr);
  const rate = new Rate("pictures");
  const audit = await checkData(root, {
    ...(patientPattern === undefined ? {} : { patientPattern }),
    ...(patients === undefined ? {} : { patients }),
    signal: io.signal,
    onProgress: ({ done, total }) => progress.update(`reading: ${rate.text(done, total)}`),
  });
  progress.clear();
  if (out !== undefined) await writeAudit(out, audit);
  io.stdout.write(json ? `${JSON.stringify(audit, null, 2)}\n` : formatAudit(audit, { most: pairs }));
  const faults = faultsOf(audit);
  if (out !== undefined && !json) io.stdout.write(`\n${writtenLine(out)}\n`);
  if (strict && faults.length > 0) throw new InputError(`${root}: ${faults.join("; ")}`);
}

const writtenLine = (out: string): string =>
  out.toLowerCase().endsWith(".json")
    ? `All of it is in ${printable(out)}.`
    : `All of it is in ${printable(join(out, "data-check.json"))}, plots and copies side by side (copies.png) are beside it.`;

/** What `--strict` fails for. */
function faultsOf({ leaks, contradictions, patients, unreadable }: DataAudit): string[] {
  const copies = leaks.reduce((sum, leak) => sum + leak.copies, 0);
  return [
    [copies, `${plural(copies, "copy", "copies")} across splits`],
    [contradictions.length, `${plural(contradictions.length, "pair")} with contradicting labels`],
    [patients?.split.length ?? 0, `${plural(patients?.split.length ?? 0, "patient")} in more than one split`],
    [unreadable.length, `${plural(unreadable.length, "picture")} that can't be read`],
  ].flatMap(([count, what]) => (count === 0 ? [] : [String(what)]));
}
