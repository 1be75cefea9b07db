import type { PhantomShares } from "@fracture/train";
import type { Command } from "commander";
import type { Io } from "../io.ts";
import { integer, positive } from "../options.ts";
import { formatCount, plural } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { Rate } from "../output/rate.ts";
import { dataAugmentCommand } from "./dataAugment.ts";
import { dataCheckCommand } from "./dataCheck.ts";
import { dataSplitCommand } from "./dataSplit.ts";

interface PhantomOptions extends Partial<PhantomShares> {
  readonly train: number;
  readonly val: number;
  readonly test: number;
  readonly size: number;
  readonly seed: number;
  readonly json: boolean;
}

/** `fracture data` */
export function dataCommand(program: Command, io: Io): void {
  const data = program.command("data").description("look at data sets, and make them").helpCommand(false);
  dataCheckCommand(data, io);
  dataSplitCommand(data, io);
  dataAugmentCommand(data, io);
  data
    .command("phantom")
    .description(
      "draw radiograph-like pictures of whole and fractured bones, by physics, to try everything with; half of each split is fractured",
    )
    .argument("<out>", "the folder to make; a phantom set that is there is drawn anew")
    .option("--train <n>", "pictures to train on", integer(0), 160)
    .option("--val <n>", "pictures to validate on", integer(0), 40)
    .option("--test <n>", "pictures to test on", integer(0), 40)
    .option("--size <pixels>", "height and width", integer(1), 256)
    .option("--seed <n>", "another seed, other pictures", integer(0), 0)
    .optionsGroup("How hard they are, the same for both classes but the first:")
    .option("--hairline-share <x>", "part of the fractures that are hairlines, not displaced (default: 0.2)", share)
    .option("--joint-share <x>", "part of the pictures that show a joint (default: 0.25)", share)
    .option("--collimated-share <x>", "part of the pictures with a collimator's edges (default: 0.5)", share)
    .option("--limb <name>", "forearm, leg or arm in all of them, or any (default: any)")
    .option("--tilt <degrees>", "by how much at most a limb lies askew (default: 12)", positive({ zero: true }))
    .optionsGroup("Options:")
    .option("--json", "print what was made as JSON", false)
    .action((out: string, options: PhantomOptions) => phantom(io, out, options));
}

const share = positive({ zero: true });

async function phantom(io: Io, out: string, { json, ...options }: PhantomOptions): Promise<void> {
  const { writePhantomSet } = await import("@fracture/train");
  using progress = new Progress(io.stderr);
  const rate = new Rate("pictures");
  const summary = await writePhantomSet(out, {
    ...options,
    signal: io.signal,
    onProgress: ({ done, total }) => progress.update(rate.text(done, total)),
  });
  progress.clear();
  if (json) return io.stdout.write(`${JSON.stringify({ ...summary, ...options }, null, 2)}\n`);
  const splits = Object.entries(summary.counts).filter(([, { fractured, whole }]) => fractured + whole > 0);
  const total = splits.reduce((sum, [, { fractured, whole }]) => sum + fractured + whole, 0);
  const parts = splits.map(
    ([name, { fractured, whole }]) => `${name} ${formatCount(fractured)} fractured, ${formatCount(whole)} not`,
  );
  io.stdout.write(`${out}: ${plural(total, "picture")} of ${options.size} x ${options.size} (${parts.join("; ")})\n`);
}
