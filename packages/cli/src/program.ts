import { Command, Help } from "commander";
import { benchCommand } from "./commands/bench.ts";
import { compareCommand } from "./commands/compare.ts";
import { dataCommand } from "./commands/data.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evalCommand } from "./commands/eval.ts";
import { exportCommand } from "./commands/export.ts";
import { lrFindCommand } from "./commands/lrFind.ts";
import { predictCommand } from "./commands/predict.ts";
import { reportCommand } from "./commands/report.ts";
import { trainCommand } from "./commands/train.ts";
import { weightsCommand } from "./commands/weights.ts";
import type { Io } from "./io.ts";
import { RESEARCH_USE } from "./notice.ts";
import { VERSION } from "./version.ts";

/** Every command with its options. What a command needs to do its work is loaded when it runs. */
export function createProgram(io: Io): Command {
  const program = new Command("fracture")
    .description(
      `Trains convolutional networks to tell fractured bones from whole ones in X-ray images, on any GPU.\n${RESEARCH_USE}`,
    )
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "say what a command does and which options it has")
    .helpCommand(false)
    .exitOverride()
    .configureHelp({
      helpWidth: Math.min(120, io.stdout.columns),
      // That a flag is off unless it is given goes without saying.
      optionDescription: (option) =>
        option.defaultValue === false ? option.description : Help.prototype.optionDescription.call(new Help(), option),
    })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "fracture: ")),
    });
  program.addHelpText("after", EXAMPLES);
  for (const add of [
    doctorCommand,
    dataCommand,
    weightsCommand,
    lrFindCommand,
    trainCommand,
    evalCommand,
    predictCommand,
    compareCommand,
    reportCommand,
    exportCommand,
    benchCommand,
  ])
    add(program, io);
  return program;
}

const EXAMPLES = `
From nothing to predictions:
  fracture data phantom data/phantom
  fracture train --data data/phantom --out runs/first --weights resnet18
  fracture eval runs/first --data data/phantom
  fracture predict runs/first data/phantom/test

fracture COMMAND --help says more.`;
