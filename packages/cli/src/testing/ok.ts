import { expect } from "vitest";
import { runCaptured } from "./captured.ts";

/** Runs a command that has to succeed, and gives what it printed. */
export async function ok(...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCaptured(argv);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}
