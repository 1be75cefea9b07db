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
import { MACHINES, unpackDebian } from "./debian.mjs";
import { shortHash } from "./install.mjs";
import { must } from "./run.mjs";
import { cacheFolder, say, SetupError, withLock } from "./workspace.mjs";

// Mesa's lavapipe as Debian 13 has it, with the C library and everything else that it needs, unpacked into the cache beside
// the system's own libraries; and a copy of node that is bound to those, so that it can load them.
const RECIPE = "lavapipe-1"; // change it where the unpacked files change
const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1", "libstdc++6"];
const PATCHELF = "patchelf/bookworm"; // Debian 12's: version 0.18, which Debian 13 has, breaks node
const SUITES = ["trixie", "trixie-backports", "bookworm"];

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

async function unpackMesa(folder, { architecture, triplet }) {
  say(`setting up a software Vulkan device in ${folder} (once; about 100 MB from Debian, some minutes)`);
  const work = mkdtempSync(`${folder}.`);
  try {
    const unpacked = await unpackDebian(join(work, "apt"), {
      architecture,
      suites: SUITES,
      install: { target: "trixie-backports", packages: PACKAGES },
      alone: [PATCHELF],
      byHand,
    });
    const libraries = join(unpacked, "usr", "lib", triplet);
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
