import { spawn } from "node:child_process";
import { constants } from "node:os";
import { root, SetupError } from "./workspace.mjs";

/**
 * Runs a program in the checkout and gives its exit code. Its output goes where ours goes (standard output to standard
 * error with `quiet`). Ctrl-C reaches it from the terminal; we wait for it to end, so that its exit code is ours.
 */
export function run(command, args, { env = {}, cwd = root, quiet = false } = {}) {
  const stdio = ["inherit", quiet ? process.stderr : "inherit", "inherit"];
  const child = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env }, shell: needsShell(command) });
  const forward = (signal) => () => signal !== "SIGINT" && child.kill(signal);
  const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => [signal, forward(signal)]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new SetupError(`can't run ${command}: ${error.message}`)));
    child.once("close", (code, signal) => {
      for (const [name, handler] of handlers) process.off(name, handler);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** Runs a program and gives what it printed. Never throws: a program that is missing has code 127. */
export function capture(command, args, { env = {}, cwd = root, timeout = 0 } = {}) {
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    shell: needsShell(command),
    timeout,
    killSignal: "SIGKILL",
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ ...output, stderr: error.message, code: 127 }));
    child.once("close", (code, signal) => resolve({ ...output, code: code ?? 128 + (constants.signals[signal] ?? 0) }));
  });
}

/** As `capture`, but throws a SetupError with the program's own words where it fails. */
export async function must(command, args, options) {
  const { code, stdout, stderr } = await capture(command, args, options);
  if (code === 0) return stdout;
  const words = (stderr || stdout).trim().split("\n").slice(-12).join("\n  ");
  throw new SetupError(
    `${command} ${args.filter((arg) => !arg.startsWith("-")).join(" ")} failed (${code}):\n  ${words}`,
  );
}

// npm and pnpm are .cmd files on Windows, which only a shell can start.
function needsShell(command) {
  return process.platform === "win32" && !/[\\/]/.test(command);
}
