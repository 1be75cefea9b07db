import { Readable } from "node:stream";
import type { Io, Sink } from "../io.ts";
import { run } from "../run.ts";

export interface Captured {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with its output captured. */
export async function runCaptured(
  argv: readonly string[],
  options: {
    readonly signal?: AbortSignal;
    readonly isTTY?: boolean;
    readonly env?: Io["env"];
    readonly stdin?: string;
  } = {},
): Promise<Captured> {
  const text = { stdout: "", stderr: "" };
  const sink = (name: keyof typeof text): Sink => ({
    write: (part) => void (text[name] += part),
    isTTY: options.isTTY ?? false,
    columns: 100,
  });
  const io: Io = {
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    stdin: () => Readable.from((options.stdin ?? "").split("\n")),
    signal: options.signal ?? new AbortController().signal,
    env: options.env ?? {},
  };
  const exitCode = await run(argv, io);
  return { exitCode, ...text };
}
