import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { SetupError } from "../workspace.mjs";

const NEVER_RUN = /\.d\.[cm]?ts$|\.map$/;
const PROSE = /\.md$/i;
export const LICENCE = /^(licen[cs]e|copying|notice|third-?party)/i;

/** The same library again for browsers and bundlers. */
const besidesNode = (path) => path !== "package.json" && !/^dist\/[^/]+\.node\.js$/.test(path);

/** What a package has that a Linux x64 host never loads, or that nothing of ours asks for. */
const UNUSED = {
  webgpu: (path) => path.startsWith("dist/") && !path.startsWith("dist/linux-x64/"),
  // Of four builds each, only the one that decodes, as WebAssembly.
  "@cornerstonejs/codec-charls": (path) => path.startsWith("dist/") && !path.includes("wasm_decode."),
  "@cornerstonejs/codec-openjpeg": (path) => path.startsWith("dist/") && !path.includes("wasm_decode."),
  "@jax-js/jax": (path) => path.endsWith(".cjs"),
  "dejavu-fonts-ttf": (path) =>
    !["package.json", "LICENSE", "ttf/DejaVuSans.ttf", "ttf/DejaVuSans-Bold.ttf"].includes(path),
};

/** Dependencies that are left out: types, what vite loads for style sheets alone, and what tfjs builds smaller bundles with. */
const LEFT_OUT = /^@types\/|^lightningcss$|^(argparse|chalk|core-js|regenerator-runtime|yargs)$/;

/**
 * The installed packages that `starts` need, as { files, links, packages }: files of the checkout by path, symbolic links as
 * pnpm made them, and each third-party package with its manifest. A start is { folder, names }: names of dependencies that are
 * wanted of that folder. Throws a SetupError where one is not installed.
 */
export function packageClosure(root, starts) {
  const files = [];
  const links = new Map();
  const packages = new Map();
  const visit = (folder, names, optional = []) => {
    for (const name of [...names, ...optional].filter((name) => !LEFT_OUT.test(name))) {
      const found = findPackage(root, folder, name);
      if (!found) {
        if (optional.includes(name)) continue; // another platform's
        throw new SetupError(`${relative(root, folder)} needs ${name}, which is not installed`);
      }
      if (lstatSync(found).isSymbolicLink()) links.set(relative(root, found), checkedLink(root, found));
      const real = realpathSync(found);
      if (packages.has(real) || !relative(root, real).includes("node_modules")) continue; // known, or of the workspace
      const manifest = JSON.parse(readFileSync(join(real, "package.json"), "utf8"));
      const own = filesOf(real).filter((path) => isWanted(manifest.name, path));
      packages.set(real, { folder: relative(root, real), manifest, files: own });
      files.push(...own.map((path) => join(relative(root, real), path)));
      const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
      const perhaps = new Set([...Object.keys(optionalDependencies), ...Object.keys(peerDependencies)]);
      visit(
        real,
        Object.keys(dependencies).filter((name) => !perhaps.has(name)),
        [...perhaps],
      );
    }
  };
  for (const { folder, names } of starts) visit(join(root, folder), names);
  return { files, links, packages: [...packages.values()] };
}

/** As Node looks for it: in the node_modules of the folder and of those above it. */
function findPackage(root, folder, name) {
  for (let at = folder; !relative(root, at).startsWith(".."); at = dirname(at)) {
    const candidate = join(at, "node_modules", name);
    if (existsSync(candidate)) return candidate;
  }
  return null;
}

function checkedLink(root, path) {
  const target = readlinkSync(path);
  if (isAbsolute(target) || relative(root, join(dirname(path), target)).startsWith(".."))
    throw new SetupError(`${relative(root, path)} points out of the checkout, to ${target}`);
  return target;
}

const unusedOf = (name) => (name.startsWith("@tensorflow/") ? besidesNode : UNUSED[name]);

function isWanted(name, path) {
  if (NEVER_RUN.test(path) || unusedOf(name)?.(path)) return false;
  return !PROSE.test(path) || LICENCE.test(path.split("/").at(-1));
}

/** Files under a folder, relative to it, sorted; not those of packages inside it. */
export function filesOf(folder, under = "") {
  return readdirSync(join(folder, under), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(under, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesOf(folder, path);
      return entry.isFile() ? [path] : [];
    });
}
