// The peers' packages: each set has a lock file of its own, and is installed at the first run that compares with it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../scripts/lib/run.mjs";
import { say } from "../../scripts/lib/workspace.mjs";

export const PEERS_FOLDER = fileURLToPath(new URL("../peers/", import.meta.url));
const SETS = {
  javascript: { folder: PEERS_FOLDER, size: "0.4 GB" },
  onnxruntime: { folder: join(PEERS_FOLDER, "onnxruntime"), size: "0.3 GB" },
};

/** Installs a set, "javascript" or "onnxruntime", unless it is there. */
export async function installPeers(set) {
  const { folder, size } = SETS[set];
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  const stamp = join(folder, "node_modules", ".installed-lock.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say(`installing peers for comparison: ${set} (once; about ${size})`);
  // Their install scripts would fetch CUDA and other things that are not wanted.
  await must("npm", ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, lock);
}
