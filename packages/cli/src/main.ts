import { INTERRUPTED } from "./exitCodes.ts";
import { processIo } from "./io.ts";
import { run } from "./run.ts";

const controller = new AbortController();

// The first Ctrl-C lets the command save and end by itself, the second ends it at once.
process.on("SIGINT", () => {
  if (controller.signal.aborted) {
    process.stderr.write("\nfracture: stopped at once\n");
    process.exit(INTERRUPTED);
  }
  process.stderr.write("\nfracture: stopping (Ctrl-C again stops at once)\n");
  controller.abort();
});
// A scheduler's polite request is the first Ctrl-C; it may repeat itself.
process.on("SIGTERM", () => controller.abort());

process.exitCode = await run(process.argv.slice(2), processIo(controller.signal));
