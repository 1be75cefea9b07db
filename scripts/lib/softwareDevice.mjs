import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { shortHash } from "./install.mjs";
import { capture, must } from "./run.mjs";
import { cacheFolder, say, SetupError, withLock } from "./workspace.mjs";

// Mesa's lavapipe as Debian 13 has it, with the C library and everything else that it needs, unpacked into the cache beside
// the system's own libraries; and a copy of node that is bound to those, so that it can load them. Nothing is installed, and
// no root is needed: apt-get only downloads, with folders of its own for state.
const RECIPE = "lavapipe-1"; // change it where the unpacked files change
const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1", "libstdc++6"];
const PATCHELF = "patchelf/bookworm"; // Debian 12's: version 0.18, which Debian 13 has, breaks node
const SUITES = ["trixie", "trixie-backports", "bookworm"];
const MACHINES = {
  x64: { architecture: "amd64", triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  arm64: { architecture: "arm64", triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" },
};
const DEBIAN = "http://deb.debian.org/debian/";
const KEYRING = "debian-archive-keyring.gpg";

/**
 * Sets the software device up, unless it is there. Gives the bound node, the environment that makes Vulkan find the driver,
 * and the folder. Throws a SetupError that says what to install by hand where this can't be done.
 */
export async function prepareSoftwareDevice(node) {
  const machine = MACHINES[process.arch];
  if (!machine) throw new SetupError(byHand(`there is no software device for ${process.arch} processors`));
  const folder = join(cacheFolder, `${RECIPE}-${machine.architecture}`);
  const binary = realpathSync(node);
  const { size, mtimeMs } = statSync(binary);
  // The paths of the libraries are written into the copy: a moved cache needs another one.
  const bound = join(folder, `node-${shortHash([folder, binary, size, mtimeMs].join())}`);
  if (!existsSync(bound)) {
    await withLock(`${folder}.lock`, async () => {
      if (!existsSync(folder)) await unpackMesa(folder, machine);
      if (!existsSync(bound)) await bindNode(binary, bound, folder, machine);
    });
  }
  const bin = join(bound, "bin");
  return {
    node: join(bin, "node"),
    folder,
    env: { VK_DRIVER_FILES: join(bound, "lavapipe.json"), PATH: [bin, process.env.PATH].join(delimiter) },
  };
}

async function unpackMesa(folder, machine) {
  for (const program of ["apt-get", "dpkg-deb"]) {
    if ((await capture(program, ["--version"])).code !== 0)
      throw new SetupError(byHand(`${program} is not here to fetch one`));
  }
  say(`setting up a software Vulkan device in ${folder} (once; about 100 MB from Debian, some minutes)`);
  const work = mkdtempSync(`${folder}.`);
  try {
    const apt = join(work, "apt");
    await download(apt, machine.architecture);
    const unpacked = join(work, "unpacked");
    for (const name of debFiles(apt)) await must("dpkg-deb", ["-x", join(apt, "archives", name), unpacked]);
    const libraries = join(unpacked, "usr", "lib", machine.triplet);
    const ready = join(work, "ready");
    mkdirSync(ready);
    for (const name of readdirSync(libraries)) {
      if (/^libvulkan_(?!lvp)|^(gconv|perl|dri|gbm)/.test(name)) rmSync(join(libraries, name), { recursive: true }); // drivers for GPUs, and what node never loads
    }
    renameSync(libraries, join(ready, "lib"));
    renameSync(join(unpacked, "usr", "bin", "patchelf"), join(ready, "patchelf"));
    renameSync(join(unpacked, "usr", "share", "vulkan", "icd.d", "lvp_icd.json"), join(ready, "lvp_icd.json"));
    renameSync(ready, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Downloads the packages and all that they need. */
async function download(apt, architecture) {
  for (const name of ["lists/partial", "archives/partial"]) mkdirSync(join(apt, name), { recursive: true });
  writeFileSync(join(apt, "status"), ""); // an empty list of installed packages: every dependency counts as missing, libc included
  const options = [
    `Dir::State=${apt}`,
    `Dir::State::lists=${apt}/lists`,
    `Dir::State::status=${apt}/status`,
    `Dir::Cache=${apt}`,
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
  ]
    .concat([
      "APT::Sandbox::User=",
      "APT::Install-Recommends=false",
      "APT::Keep-Downloaded-Packages=true",
      "Acquire::Languages=none",
      "Acquire::Retries=3",
      "Debug::NoLocking=true",
    ])
    .flatMap((option) => ["-o", option]);
  const signedBy = await debianKeyring(apt, options);
  const failures = [];
  for (const mirror of await mirrors()) {
    writeFileSync(
      join(apt, "sources.list"),
      SUITES.map((suite) => `deb [signed-by=${signedBy}] ${mirror} ${suite} main\n`).join(""),
    );
    const debian = [
      ...options,
      "-o",
      `Dir::Etc::sourcelist=${apt}/sources.list`,
      "-o",
      "Dir::Etc::sourceparts=-",
      "-o",
      "Dir::Etc::preferencesparts=-",
    ];
    const update = await capture("apt-get", [...debian, "-q", "update"]);
    const install = await capture("apt-get", [
      ...debian,
      "-q",
      "-y",
      "--download-only",
      "-t",
      "trixie-backports",
      "install",
      ...PACKAGES,
    ]);
    const patchelf = await capture("apt-get", [...debian, "-q", "download", PATCHELF], { cwd: join(apt, "archives") });
    if (install.code === 0 && patchelf.code === 0) return;
    failures.push(
      `${mirror}: ${(update.stderr + install.stderr + patchelf.stderr).trim().split("\n").slice(-6).join(" ")}`,
    );
  }
  throw new SetupError(byHand(`apt-get could not download Mesa from Debian\n  ${failures.join("\n  ")}`));
}

/** The mirror that this machine's apt already uses, where that is Debian's, then Debian's own. */
async function mirrors() {
  const { stdout } = await capture("apt-get", ["indextargets", "--format", "$(REPO_URI)"]);
  const used = stdout.split("\n").find((line) => line.endsWith("/debian/"));
  return [...new Set([used ?? DEBIAN, DEBIAN])];
}

/** Debian's signing keys; Ubuntu and its kin carry them as a package of their own, signed with their keys. */
async function debianKeyring(apt, options) {
  const installed = join("/usr/share/keyrings", KEYRING);
  if (existsSync(installed)) return installed;
  await must("apt-get", [...options, "-q", "update"]);
  await must("apt-get", [...options, "-q", "download", "debian-archive-keyring"], { cwd: apt });
  const deb = readdirSync(apt).find((name) => /^debian-archive-keyring.*\.deb$/.test(name));
  if (!deb)
    throw new SetupError(byHand("apt-get has no debian-archive-keyring, with which Debian's packages are verified"));
  await must("dpkg-deb", ["-x", join(apt, deb), join(apt, "keyring")]);
  return realpathSync(join(apt, "keyring", "usr", "share", "keyrings", KEYRING));
}

function debFiles(apt) {
  return readdirSync(join(apt, "archives")).filter((name) => name.endsWith(".deb"));
}

/** Copies node and makes the unpacked dynamic linker and libraries its own. patchelf runs by them too. */
async function bindNode(binary, bound, folder, { loader }) {
  const libraries = join(folder, "lib");
  const fresh = mkdtempSync(`${bound}.`);
  try {
    const copy = join(fresh, "bin", "node");
    mkdirSync(join(fresh, "bin"));
    copyFileSync(binary, copy);
    chmodSync(copy, 0o755);
    const patchelf = ["--library-path", libraries, join(folder, "patchelf")];
    await must(join(libraries, loader), [
      ...patchelf,
      "--set-interpreter",
      join(libraries, loader),
      "--force-rpath",
      "--set-rpath",
      libraries,
      copy,
    ]);
    const driver = JSON.parse(readFileSync(join(folder, "lvp_icd.json"), "utf8"));
    driver.ICD.library_path = join(libraries, "libvulkan_lvp.so");
    writeFileSync(join(fresh, "lavapipe.json"), JSON.stringify(driver));
    chmodSync(fresh, 0o755);
    renameSync(fresh, bound);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function byHand(reason) {
  return `${reason}.
  Install a GPU's Vulkan driver, or the software one of Mesa 24 or later, and run this again:
    Debian, Ubuntu   sudo apt-get install mesa-vulkan-drivers libvulkan1    (Debian 12: from bookworm-backports)
    Fedora           sudo dnf install mesa-vulkan-drivers vulkan-loader
    Arch             sudo pacman -S vulkan-swrast vulkan-icd-loader
    openSUSE         sudo zypper install libvulkan_lvp libvulkan1
  FRACTURE_DEVICE=system goes on without.`;
}
