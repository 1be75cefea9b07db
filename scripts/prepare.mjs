// Called by the launcher `fracture` where something is missing or out of date:
//   node scripts/prepare.mjs built FILE      install dependencies, compile, and touch FILE
//   node scripts/prepare.mjs device FILE     choose a device, and write the node to use and its driver file to FILE
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { chooseDevice } from "./lib/device.mjs";
import { build, ensureInstalled, shortHash, writeStamp } from "./lib/install.mjs";
import { cacheFolder, main, root, say, SetupError, withLock } from "./lib/workspace.mjs";

const [, , step, file] = process.argv;

await main(async () => {
  if (step === "built") {
    await ensureInstalled();
    await withLock(join(cacheFolder, `build-${shortHash(root)}.lock`), async () => {
      const started = await build();
      writeStamp(file, "");
      utimesSync(file, started, started); // what is edited during the build is newer
    });
  } else {
    await writeDecision();
  }
});

async function writeDecision() {
  try {
    const { node, env } = await chooseDevice();
    writeStamp(file, `${process.execPath}\n${node}\n${env.VK_DRIVER_FILES ?? ""}\n`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message); // commands that need no GPU work all the same, and the others say that there is none
  }
}
