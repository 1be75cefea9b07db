import { createInterface } from "node:readline";
import { FAILURE } from "./exitCodes.ts";

/** Where text goes. */
export interface Sink {
  write(text: string): void;
  /** True where a person watches: lines may then be overwritten. */
  readonly isTTY: boolean;
  /** Width in characters, of a terminal. */
  readonly columns: number;
}

/** What a command sees of the world around it: results go to stdout, everything else to stderr. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** The lines of standard input, as they come. */
  readonly stdin: () => AsyncIterable<string>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_COLUMNS = 80;

/** The process's own streams. A reader that goes away (`fracture predict ... | head`) is no error. */
export function processIo(signal: AbortSignal): Io {
  const sink = (stream: NodeJS.WriteStream): Sink => {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") return;
      // Nothing that is printed would say so, and an exit code of 0 would be a lie.
      if (stream !== process.stderr) process.stderr.write(`fracture: the output can't be written (${error.message})\n`);
      process.exit(FAILURE);
    });
    return {
      write: (text) => void stream.write(text),
      isTTY: stream.isTTY ?? false,
      get columns() {
        return stream.columns ?? DEFAULT_COLUMNS;
      },
    };
  };
  const stdin = (): AsyncIterable<string> => createInterface({ input: process.stdin, signal });
  return { stdout: sink(process.stdout), stderr: sink(process.stderr), stdin, signal, env: process.env };
}
