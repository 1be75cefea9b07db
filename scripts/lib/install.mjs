import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { must, run } from "./run.mjs";
import { cacheFolder, manifest, root, say, SetupError, stamps, withLock } from "./workspace.mjs";

const PNPM_VERSION = /^pnpm@([^+]+)/.exec(manifest.packageManager)[1];
const pnpmFolder = join(cacheFolder, `pnpm-${PNPM_VERSION}`);
const pnpmScript = join(pnpmFolder, "node_modules", "pnpm", "bin", "pnpm.cjs");

/** Puts the pinned pnpm into the cache, by npm, and gives the environment in which `pnpm` is that one. */
export async function ensurePnpm() {
  if (!existsSync(pnpmScript)) {
    await withLock(`${pnpmFolder}.lock`, async () => {
      if (existsSync(pnpmScript)) return;
      say(`installing pnpm ${PNPM_VERSION} into ${pnpmFolder}`);
      const fresh = mkdtempSync(`${pnpmFolder}.`);
      try {
        const quiet = ["--no-save", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
        await must("npm", ["install", `--prefix=${fresh}`, ...quiet, `pnpm@${PNPM_VERSION}`], { cwd: fresh });
        rmSync(pnpmFolder, { recursive: true, force: true });
        renameSync(fresh, pnpmFolder);
      } finally {
        rmSync(fresh, { recursive: true, force: true });
      }
    });
  }
  return { PATH: [join(pnpmFolder, "node_modules", ".bin"), process.env.PATH].join(delimiter) };
}

/** Installs the dependencies that the lock file names, unless they are there. */
export async function ensureInstalled() {
  const stamp = join(stamps, "installed");
  const wanted = installFingerprint();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  const env = await ensurePnpm();
  await withLock(join(cacheFolder, `install-${shortHash(root)}.lock`), async () => {
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
    say("installing dependencies");
    const code = await run(process.execPath, [pnpmScript, "install", "--frozen-lockfile"], { env, quiet: true });
    if (code !== 0) throw new SetupError(`pnpm install --frozen-lockfile failed (exit code ${code})`);
    writeStamp(stamp, wanted);
  });
}

/** Compiles every package (only what changed). Throws a SetupError where a type is wrong. */
export async function build() {
  const started = new Date();
  const code = await run(process.execPath, [tool("typescript", "tsc"), "-b"], { quiet: true });
  if (code !== 0) throw new SetupError("the build failed: see the errors above");
  return started;
}

/** The script behind a tool that a package installs. */
export function tool(packageName, binary) {
  const folder = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[binary]);
}

export function writeStamp(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

export function shortHash(text) {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function installFingerprint() {
  const packages = readdirSync(join(root, "packages")).map((name) => join("packages", name, "package.json"));
  const files = [
    "package.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "examples/package.json",
    "benchmarks/package.json",
    ...packages.sort(),
  ].filter((file) => existsSync(join(root, file)));
  const hash = createHash("sha256").update(`${PNPM_VERSION} ${process.platform} ${process.arch}`);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
