// `npm run pack:portable [-- OUT.tar.xz]`: one archive for a Linux x64 GPU host that has neither Node nor a network.
// What goes into it: scripts/lib/portable/contents.mjs. How it starts there: scripts/portable/.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { installPeers } from "../benchmarks/lib/peers.mjs";
import { build, ensureInstalled } from "./lib/install.mjs";
import { portableContents } from "./lib/portable/contents.mjs";
import { fetchLibraries, LIBRARIES } from "./lib/portable/libraries.mjs";
import { licenceIndex } from "./lib/portable/licences.mjs";
import { capture, must } from "./lib/run.mjs";
import { main, manifest, root, say, SetupError } from "./lib/workspace.mjs";

const LARGEST_BYTES = 50e6;
const NAME = "fracture-linux-x64"; // the folder that the archive unpacks to
/** Where distributions and nodejs.org's own archive put the licence of node, from the binary on. */
const NODE_LICENCES = [
  "../LICENSE",
  "../share/doc/nodejs/LICENSE",
  "../share/doc/node/LICENSE",
  "../share/licenses/nodejs/LICENSE",
];

await main(async () => {
  const out = resolve(process.env.INIT_CWD ?? ".", process.argv[2] ?? `${NAME}.tar.xz`);
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new SetupError(
      `the archive is for Linux x64 and has to be made there, not on ${process.platform} ${process.arch}`,
    );
  const node = portableNode();
  await ensureInstalled();
  await build();
  await installPeers("javascript");
  const contents = portableContents(root);
  const libraries = await fetchLibraries();

  const work = mkdtempSync(join(tmpdir(), "fracture-portable-"));
  try {
    const stage = join(work, NAME);
    say(`copying ${contents.files.size} files of ${contents.packages.length} packages and our own`);
    for (const [path, source] of contents.files) copy(join(root, source), join(stage, path));
    for (const [path, target] of contents.links) link(target, join(stage, path));
    for (const [path, name] of LIBRARIES) copy(join(libraries.folder, name), join(stage, path));
    writeDrivers(stage);
    copy(node.binary, join(stage, "lib", "node"));
    await capture("strip", [join(stage, "lib", "node")]); // a tenth less, where there is one
    writeLicences(stage, contents.packages, node, libraries);
    const commit = await describeCommit();
    writeFileSync(
      join(stage, "portable.json"),
      `${JSON.stringify({ version: manifest.version, ...commit, node: process.version }, null, 2)}\n`,
    );

    say("compressing (a minute or two)");
    const owner = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=${commit.date}`];
    await must("tar", ["-C", work, ...owner, "-cJf", `${work}/out.tar.xz`, NAME], { env: { XZ_OPT: "-9" } });
    mkdirSync(dirname(out), { recursive: true });
    const { size } = statSync(`${work}/out.tar.xz`);
    if (size > LARGEST_BYTES)
      throw new SetupError(`the archive is ${megabytes(size)}, more than ${megabytes(LARGEST_BYTES)}`);
    copyFileSync(`${work}/out.tar.xz`, `${out}.new`);
    renameSync(`${out}.new`, out);
    console.log(`${out}: ${megabytes(size)}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** This Node, if it runs by itself on another machine. */
function portableNode() {
  const binary = realpathSync(process.execPath);
  const shared = Object.entries(process.config.variables).filter(
    ([name, value]) => name.startsWith("node_shared") && value === true,
  );
  if (shared.length > 0)
    throw new SetupError(
      `this Node (${binary}) is built on libraries of this machine (${shared.map(([name]) => name.slice("node_shared_".length) || "node itself").join(", ")}): pack with one from https://nodejs.org or NodeSource`,
    );
  const licence = NODE_LICENCES.map((path) => resolve(dirname(binary), path)).find((path) => existsSync(path));
  if (!licence)
    throw new SetupError(
      `${binary} comes without its LICENSE, which has to go with it: pack with a Node from https://nodejs.org`,
    );
  return { binary, licence };
}

function copy(source, target) {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, statSync(source).mode & 0o111 ? 0o755 : 0o644);
}

function link(target, path) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

/** For a container that has NVIDIA's driver without the file that tells the loader of it. */
function writeDrivers(stage) {
  for (const kind of ["GLX", "EGL"]) {
    const ICD = { library_path: `lib${kind}_nvidia.so.0`, api_version: "1.3.0" };
    writeFileSync(
      join(stage, "lib", `nvidia-${kind}.json`),
      `${JSON.stringify({ file_format_version: "1.0.0", ICD })}\n`,
    );
  }
}

function writeLicences(stage, packages, node, { copyrights, licences }) {
  const debs = readdirSync(copyrights);
  const { index, texts } = licenceIndex(packages, { node: process.version, debs });
  copy(node.licence, join(stage, "licenses", "node", "LICENSE"));
  for (const name of debs) copy(join(copyrights, name), join(stage, "licenses", "debian", name));
  for (const name of texts) copy(join(licences, name), join(stage, "licenses", "common", name));
  writeFileSync(join(stage, "licenses", "README"), index);
}

/** { commit, date }: of the last commit, which dates every file; the commit says where something isn't committed. */
async function describeCommit() {
  const git = async (...args) => (await must("git", args)).trim();
  const commit = await git("rev-parse", "--short", "HEAD").catch(() => null);
  if (!commit) return { commit: null, date: new Date().toISOString() };
  const dirty = (await git("status", "--porcelain", "--", "packages", "benchmarks", "scripts")) !== "";
  return { commit: dirty ? `${commit}-dirty` : commit, date: await git("log", "-1", "--format=%cI") };
}
