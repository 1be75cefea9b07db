// Tries the portable archive where it has to work, in a root that holds nothing but a shell, without a network (Linux x64; a few minutes):
//
//   node scripts/try-portable.mjs ARCHIVE.tar.xz
//
// First with a C library and a software Vulkan driver beside it: doctor, a set of pictures, training, tests, benchmarks. Then
// with no C library at all: the archive's own has to do. `npm test` does not run this, as packing takes minutes.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MACHINES, unpackDebian } from "./lib/debian.mjs";
import { must, run } from "./lib/run.mjs";
import { prepareSoftwareDevice } from "./lib/softwareDevice.mjs";
import { main, say, SetupError } from "./lib/workspace.mjs";

const { architecture, triplet, loader } = MACHINES.x64;
const SHELL = "busybox-static"; // linked to nothing
const COMMANDS = ["sh", "env", "readlink"];
const DRIVER = "/drivers/lavapipe.json";
const DEVICE = [
  ["./fracture", "doctor"],
  ["./fracture", "data", "phantom", "/tmp/pictures", "--train=8", "--val=4", "--test=4", "--size=32"],
  [
    "./fracture",
    "train",
    "--data=/tmp/pictures",
    "--out=/tmp/run",
    ..."--arch=resnet18 --weights=none --freeze=none --size=32 --batch-size=4 --epochs=1".split(" "),
  ],
  ["./fracture-tests", "packages/kernels/src/fill", "packages/tensor/src/ops/unary"],
  ["./fracture-bench", "--small", "--out=/tmp/figures", "gpu-gemm-f32", "gpu-copy", "gpu-latency-f32"],
];
const NO_LIBRARIES = [
  ["./fracture", "data", "phantom", "/tmp/pictures", "--train=4", "--val=2", "--test=2", "--size=32"],
];

await main(async () => {
  const archive = resolve(process.env.INIT_CWD ?? ".", process.argv[2] ?? "");
  if (!process.argv[2]) throw new SetupError("usage: node scripts/try-portable.mjs ARCHIVE.tar.xz");
  const work = mkdtempSync(join(tmpdir(), "fracture-try-"));
  try {
    const debian = await unpackDebian(join(work, "apt"), {
      architecture,
      suites: ["bookworm"],
      alone: [SHELL],
      byHand: (reason) => reason,
    });
    const shell = join(debian, "bin", "busybox");
    const software = await prepareSoftwareDevice(process.execPath);
    const root = join(work, "root");
    emptyRoot(root, shell);
    addDevice(root, software.folder);
    await must("tar", ["xJf", archive, "-C", root]);
    const [name] = readdirSync(root).filter((entry) => entry.startsWith("fracture"));
    for (const command of DEVICE) await inRoot(root, name, command, { VK_DRIVER_FILES: DRIVER });

    say("now without any library of the host");
    const bare = join(work, "bare");
    emptyRoot(bare, shell);
    cpSync(join(root, name), join(bare, name), { recursive: true, verbatimSymlinks: true });
    for (const command of NO_LIBRARIES) await inRoot(bare, name, command, {});
    say("everything worked");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

function emptyRoot(root, shell) {
  for (const folder of ["bin", "tmp", "proc", "dev"]) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "dev", "null"), ""); // what a program is given that reads nothing
  copyFileSync(shell, join(root, "bin", "busybox"));
  for (const command of COMMANDS) symlinkSync("busybox", join(root, "bin", command));
}

/** A C library and the driver with what it needs, but no Vulkan loader: that is the archive's. */
function addDevice(root, folder) {
  const libraries = join("usr", "lib", triplet);
  for (const path of [libraries, "lib64", "drivers"]) mkdirSync(join(root, path), { recursive: true });
  cpSync(join(folder, "lib"), join(root, libraries), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !/libvulkan\.so/.test(path),
  });
  symlinkSync(join("/", libraries, loader), join(root, "lib64", loader));
  const driver = JSON.parse(readFileSync(join(folder, "lvp_icd.json"), "utf8"));
  driver.ICD.library_path = join("/", libraries, "libvulkan_lvp.so");
  writeFileSync(join(root, DRIVER), JSON.stringify(driver));
}

/** Namespaces of its own: no network, no other processes; root only where we are not. */
async function inRoot(root, name, command, env) {
  say(`$ ${command.join(" ")}`);
  const own = process.getuid() === 0 ? [] : ["--map-root-user"];
  const isolated = [
    ...own,
    "--net",
    "--mount",
    "--pid",
    "--fork",
    `--mount-proc=${join(root, "proc")}`,
    "chroot",
    root,
  ];
  const variables = Object.entries({ HOME: "/tmp", ...env }).map(([key, value]) => `${key}=${value}`);
  const inside = ["/bin/env", "-i", ...variables, "/bin/sh", "-c", `cd /${name} && exec "$@"`, "sh", ...command];
  const code = await run("unshare", [...isolated, ...inside]);
  if (code !== 0) throw new SetupError(`${command.join(" ")} ended with exit code ${code}`);
}
