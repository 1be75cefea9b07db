import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { MACHINES, unpackDebian } from "../debian.mjs";
import { cacheFolder, say, withLock } from "../workspace.mjs";

// Debian 12's: as old as Dawn's binary allows (it needs GCC 12's C++ library), so that they load on most hosts.
const SUITE = "bookworm";
const RECIPE = "portable-1"; // change it where the list below changes

/** Always in front: the Vulkan loader. */
const VULKAN = ["libvulkan.so.1"];
/** Where the host's are older than Dawn needs. */
const CPP = ["libstdc++.so.6", "libgcc_s.so.1"];
const C = [
  "ld-linux-x86-64.so.2",
  "libc.so.6",
  "libdl.so.2",
  "libm.so.6",
  "libpthread.so.0",
  "libresolv.so.2",
  "librt.so.1",
];
/** What NVIDIA's driver links to and a container without a screen often lacks; each where the host has none. */
const MISSING = [
  "libEGL.so.1",
  "libGL.so.1",
  "libGLESv2.so.2",
  "libGLX.so.0",
  "libGLdispatch.so.0",
  "libOpenGL.so.0",
  "libX11.so.6",
  "libXau.so.6",
  "libXdmcp.so.6",
  "libXext.so.6",
  "libbsd.so.0",
  "libmd.so.0",
  "libxcb.so.1",
];
const DEBS = [
  "libvulkan1",
  "libstdc++6",
  "gcc-12-base",
  "libgcc-s1",
  "libc6",
  "libegl1",
  "libgl1",
  "libgles2",
  "libglx0",
  "libglvnd0",
  "libopengl0",
  "libx11-6",
  "libxau6",
  "libxdmcp6",
  "libxext6",
  "libbsd0",
  "libmd0",
  "libxcb1",
];
const LICENCES = "base-files"; // the texts that licences refer to

/** Path in the archive of each library of Debian. */
export const LIBRARIES = new Map([
  ...VULKAN.map((name) => [`lib/vulkan/${name}`, name]),
  ...CPP.map((name) => [`lib/c++/${name}`, name]),
  ...C.map((name) => [`lib/c/${name}`, name]),
  ...MISSING.map((name) => [`lib/missing/${name}/${name}`, name]),
]);

/**
 * Debian's libraries, out of the cache or fetched: { folder, copyrights, licences }, where folder holds each by its name,
 * copyrights one file a package, and licences the GPL and others that those refer to.
 */
export async function fetchLibraries() {
  const folder = join(cacheFolder, RECIPE);
  if (!existsSync(folder)) {
    await withLock(`${folder}.lock`, async () => {
      if (!existsSync(folder)) await unpack(folder);
    });
  }
  return { folder, copyrights: join(folder, "copyrights"), licences: join(folder, "licences") };
}

async function unpack(folder) {
  say(`fetching ${LIBRARIES.size} libraries from Debian into ${folder} (once)`);
  const work = mkdtempSync(`${folder}.`);
  try {
    const { architecture, triplet } = MACHINES.x64;
    const unpacked = await unpackDebian(join(work, "apt"), {
      architecture,
      suites: [SUITE],
      alone: [...DEBS, LICENCES],
      byHand: (reason) => `${reason}\n  The portable archive is made on Debian, Ubuntu or their kin.`,
    });
    const ready = join(work, "ready");
    for (const name of ["copyrights", "licences"]) mkdirSync(join(ready, name), { recursive: true });
    for (const name of LIBRARIES.values()) {
      const found = [`usr/lib/${triplet}`, `lib/${triplet}`, "lib64"]
        .map((at) => join(unpacked, at, name))
        .find((path) => existsSync(path) && statSync(path).isFile());
      if (!found) throw new Error(`${name} is in none of the packages ${DEBS.join(", ")}`);
      copyFileSync(realpathSync(found), join(ready, name));
    }
    const docs = join(unpacked, "usr", "share", "doc");
    for (const name of DEBS) copyFileSync(realpathSync(join(docs, name, "copyright")), join(ready, "copyrights", name));
    const common = join(unpacked, "usr", "share", "common-licenses");
    for (const name of readdirSync(common))
      copyFileSync(realpathSync(join(common, name)), join(ready, "licences", name));
    renameSync(ready, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
