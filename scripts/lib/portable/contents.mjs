import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { SetupError } from "../workspace.mjs";
import { filesOf, packageClosure } from "./packages.mjs";

const PACKAGES = ["kernels", "tensor", "resnet", "train", "cli"];
/** Development dependencies that tests load. */
const TEST_TOOLS = ["vitest", "webgpu"];
/** Peers of the benchmarks that are JavaScript alone. */
const PEERS = ["@jax-js/jax", "@tensorflow/tfjs", "@tensorflow/tfjs-backend-webgpu", "webgpu"];
const PEERS_FOLDER = join("benchmarks", "peers");

/** What tests and benchmarks read besides packages. */
const ROOT_FILES = ["LICENSE", "package.json", "tsconfig.base.json", "vitest.config.ts"];
const BENCHMARKS = /^(peers\/(pytorch\/)?)?[^/]+\.(mjs|py)$|^lib\/|^package\.json$/;
const LAUNCHERS = {
  fracture: "fracture",
  "fracture-tests": "fracture-tests",
  "fracture-bench": "fracture-bench",
  "README.md": "README.md",
  node: "bin/node",
  "execPath.cjs": "lib/execPath.cjs",
};

/**
 * What of the checkout goes into the portable archive, at the same paths but for the launchers: { files: path in the archive ->
 * path in the checkout, links: path -> target, packages }. Tests run from sources, everything else from what was compiled.
 * Throws a SetupError where something is not built or not installed.
 */
export function portableContents(root) {
  const manifestOf = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const starts = [
    { folder: ".", names: ["vitest"] },
    { folder: "benchmarks", names: Object.keys(manifestOf("benchmarks").dependencies) },
    { folder: PEERS_FOLDER, names: PEERS },
    ...PACKAGES.map((name) => {
      const { dependencies = {}, devDependencies = {} } = manifestOf(join("packages", name));
      const tools = TEST_TOOLS.filter((tool) => tool in devDependencies);
      return { folder: join("packages", name), names: [...Object.keys(dependencies), ...tools] };
    }),
  ];
  const closure = packageClosure(root, starts);
  const files = new Map([...ownContents(root), ...closure.files.map((path) => [path, path])]);
  const links = new Map([...closure.links, ...nativeLinks(root)]);
  shareDawn(root, files, links);
  return { files, links, packages: closure.packages };
}

/** Our own files: path in the archive -> path in the checkout. */
export function ownContents(root) {
  const own = [
    ...ROOT_FILES,
    ...filesOf(join(root, "scripts", "lib"))
      .filter((path) => !path.startsWith("portable"))
      .map((path) => join("scripts", "lib", path)),
    ...filesOf(join(root, "benchmarks"))
      .filter((path) => BENCHMARKS.test(path))
      .map((path) => join("benchmarks", path)),
    ...PACKAGES.flatMap((name) => ownFiles(root, join("packages", name))),
  ];
  const files = new Map(own.map((path) => [path, path]));
  for (const [name, path] of Object.entries(LAUNCHERS)) files.set(path, join("scripts", "portable", name));
  return files;
}

/** A package of ours: sources and snapshots for the tests, and what was compiled of the rest. */
function ownFiles(root, folder) {
  if (!existsSync(join(root, folder, "dist", "index.js")))
    throw new SetupError(`${folder} is not built: npm run build`);
  const all = filesOf(join(root, folder));
  // What was compiled of a source that is no more stays in dist/.
  const sources = new Set(all.flatMap((path) => (/^src\/.*\.ts$/.test(path) ? [`dist${path.slice(3, -3)}.js`] : [])));
  const wanted = (path) =>
    ["package.json", "tsconfig.json"].includes(path) ||
    path.startsWith("src/") ||
    (path.endsWith(".js") && !path.endsWith(".test.js") && sources.has(path));
  return all.filter(wanted).map((path) => join(folder, path));
}

/** The native modules, where the launcher finds them to ask whether this host has the libraries that they need. */
function nativeLinks(root) {
  const target = (from, name, file) => {
    const folder = realpathSync(join(root, from, "node_modules", name));
    return join("..", relative(root, folder), file);
  };
  const sharp = relative(root, realpathSync(join(root, "packages", "train", "node_modules", "sharp")));
  const img = relative(root, realpathSync(join(root, dirname(sharp), "@img", "sharp-linux-x64")));
  const addon = readdirSync(join(root, img, "lib")).find((name) => name.endsWith(".node"));
  return [
    ["lib/dawn.node", target(join("packages", "tensor"), "webgpu", "dist/linux-x64/dawn.node")],
    ["lib/sharp.node", join("..", img, "lib", addon)],
  ];
}

/** The peers have the same Dawn of their own: once is enough. */
function shareDawn(root, files, links) {
  const theirs = join(PEERS_FOLDER, "node_modules", "webgpu");
  const ours = relative(root, realpathSync(join(root, "packages", "tensor", "node_modules", "webgpu")));
  const version = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).version;
  if (version(theirs) !== version(ours))
    throw new SetupError(
      `the peers' webgpu is ${version(theirs)}, ours ${version(ours)}: they must be the same for a comparison`,
    );
  for (const path of files.keys()) if (path.startsWith(`${theirs}/`)) files.delete(path);
  links.set(theirs, relative(dirname(theirs), ours));
}
