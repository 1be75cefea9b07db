import { failureOf, USAGE } from "./exitCodes.ts";
import type { Io } from "./io.ts";
import { createProgram } from "./program.ts";

/**
 * Runs one command line and gives its exit code: 0, 2 for wrong usage or input, 1 for any other failure, 130 after Ctrl-C.
 * Never throws: what went wrong is a message on stderr, with a stack only where FRACTURE_DEBUG is set.
 *
 * @param argv what stands after the program's name
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = createProgram(io);
  if (argv.length === 0) {
    io.stderr.write(program.helpInformation());
    return USAGE;
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    const { exitCode, message, unforeseen } = failureOf(error);
    const debug = Boolean(io.env["FRACTURE_DEBUG"]);
    if (message) io.stderr.write(`fracture: ${message}\n`);
    if (debug && error instanceof Error) io.stderr.write(`${error.stack}\n`);
    else if (unforeseen) io.stderr.write("fracture: that was not foreseen; FRACTURE_DEBUG=1 shows where it happened\n");
    return exitCode;
  }
}
