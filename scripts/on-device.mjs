// Runs a command with the checkout's tools on the device that was chosen: `npm run on-device -- vitest run packages/kernels`.
import { chooseDevice } from "./lib/device.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { run } from "./lib/run.mjs";
import { main, SetupError } from "./lib/workspace.mjs";

await main(async () => {
  const [command, ...args] = process.argv.slice(2);
  if (!command) throw new SetupError("usage: npm run on-device -- COMMAND [ARGUMENT...]");
  await ensureInstalled();
  return run(command, args, { cwd: process.env.INIT_CWD, env: (await chooseDevice()).env });
});
