import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What is true of this checkout alone, next to what was installed in it: gone when node_modules is. */
export const stamps = join(root, "node_modules", ".cache", "fracture");

/** The folder for what is downloaded once for this user. The launcher `fracture` spells it the same way. */
export const cacheFolder =
  process.env.FRACTURE_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "fracture");

export const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** A failure whose message says all there is to say: no stack is printed. */
export class SetupError extends Error {
  name = "SetupError";
}

/** A line about what is going on, apart from any output. */
export function say(line) {
  process.stderr.write(`fracture: ${line}\n`);
}

/** Throws a SetupError unless this Node is new enough. */
export function requireNode() {
  const wanted = manifest.engines.node
    .replace(/[^\d.]/g, "")
    .split(".")
    .map(Number);
  const found = process.versions.node.split(".").map(Number);
  const older = found[0] !== wanted[0] ? found[0] < wanted[0] : found[1] < (wanted[1] ?? 0);
  if (older)
    throw new SetupError(
      `this is Node ${process.versions.node}; ${manifest.engines.node} is needed (https://nodejs.org)`,
    );
}

/** Runs a script's main function and turns a SetupError into one line and exit code 1. */
export async function main(body) {
  try {
    requireNode();
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

/**
 * Runs `body` while no other process runs one with the same lock file. A lock whose process has gone is taken over.
 * What a body makes is renamed into place as a whole, so that a lock lost in the worst case costs work and breaks nothing.
 */
export async function withLock(path, body) {
  mkdirSync(dirname(path), { recursive: true });
  for (let waited = false; !tryLock(path); waited = true) {
    if (!waited) say(`waiting for another run that is at the same work (${path})`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  try {
    return await body();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw new SetupError(`can't write ${path}: ${error.message}`);
  }
  if (existsSync(path) && !isAlive(Number(readFileSync(path, "utf8") || 0))) rmSync(path, { force: true });
  return false;
}

function isAlive(pid) {
  if (!pid) return true; // its owner has made the file and not yet written its id
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
