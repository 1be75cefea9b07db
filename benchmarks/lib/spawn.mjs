// Starts a benchmark's process on the chosen device.
import { chooseDevice } from "../../scripts/lib/device.mjs";
import { ensureInstalled, tool } from "../../scripts/lib/install.mjs";
import { capture, must } from "../../scripts/lib/run.mjs";
import { SetupError } from "../../scripts/lib/workspace.mjs";

/**
 * Installs and compiles what is missing (not where FRACTURE_NO_BUILD is set), chooses the device, and gives a function that runs
 * a script on it, by node or another program, and parses the JSON line that it prints.
 */
export async function prepareProcesses() {
  if (!process.env.FRACTURE_NO_BUILD) {
    await ensureInstalled();
    await must(process.execPath, [tool("typescript", "tsc"), "-b", "packages/resnet"]); // and what it needs
  }
  const { node, env: deviceEnv } = await chooseDevice();
  return async (script, task, { program = node, env = {} } = {}) => {
    const started = performance.now();
    const args = [script, JSON.stringify(task)];
    const { code, stdout, stderr } = await capture(program, args, { env: { ...deviceEnv, ...env } });
    const line = stdout.split("\n").findLast((text) => text.startsWith("{"));
    if (code !== 0 || !line)
      throw new SetupError(
        `${script} failed (exit code ${code}):\n${(stderr || stdout).trim().split("\n").slice(-20).join("\n")}`,
      );
    return { ...JSON.parse(line), process_ms: performance.now() - started };
  };
}
