import { ensurePnpm, tool } from "./install.mjs";
import { run } from "./run.mjs";

/**
 * Types (which is the build), lint, format, and the two rules on imports: no cycles, and only in the direction
 * kernels <- tensor <- resnet <- train <- cli (both are lint rules: .oxlintrc.json). Gives the exit code.
 */
export async function runChecks() {
  const env = { ...(await ensurePnpm()), TURBO_TELEMETRY_DISABLED: "1" };
  const options = [
    "--continue=always",
    "--output-logs=errors-only",
    "--log-order=grouped",
    "--log-prefix=none",
    "--no-update-notifier",
  ];
  return run(process.execPath, [tool("turbo", "turbo"), "run", "build", "check:lint", "check:format", ...options], {
    env,
  });
}
