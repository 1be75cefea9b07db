import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture, must } from "./run.mjs";
import { SetupError } from "./workspace.mjs";

// Packages of Debian, downloaded and unpacked beside the system's own. Nothing is installed, and no root is needed: apt-get
// only downloads, with folders of its own for state. On Ubuntu and its kin too.
const DEBIAN = "http://deb.debian.org/debian/";
const KEYRING = "debian-archive-keyring.gpg";

/** What a processor is called by Debian, and where its libraries lie. */
export const MACHINES = {
  x64: { architecture: "amd64", triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  arm64: { architecture: "arm64", triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" },
};

/**
 * Downloads packages and unpacks them into `folder`/unpacked, which is given.
 *
 *   suites     the releases to choose from
 *   install    { target, packages }: these with all that they need, the C library included, from `target` where it has them
 *   alone      names, "name/suite" where it matters: these without what they need
 *
 * Throws a SetupError with `byHand(reason)` where this can't be done.
 */
export async function unpackDebian(folder, { architecture, suites, install, alone = [], byHand }) {
  for (const program of ["apt-get", "dpkg-deb"]) {
    if ((await capture(program, ["--version"])).code !== 0)
      throw new SetupError(byHand(`${program} is not here to fetch packages of Debian`));
  }
  const archives = join(folder, "archives");
  for (const name of ["lists/partial", "archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "status"), ""); // an empty list of installed packages: every dependency counts as missing
  const options = isolated(folder, architecture);
  const signedBy = await debianKeyring(folder, options, byHand);
  const list = join(folder, "sources.list");
  const debian = [
    ...options,
    ...asOptions([`Dir::Etc::sourcelist=${list}`, "Dir::Etc::sourceparts=-", "Dir::Etc::preferencesparts=-"]),
  ];
  const failures = [];
  for (const mirror of await mirrors()) {
    writeFileSync(list, suites.map((suite) => `deb [signed-by=${signedBy}] ${mirror} ${suite} main\n`).join(""));
    const steps = [["update"]];
    if (install) steps.push(["-y", "--download-only", "-t", install.target, "install", ...install.packages]);
    if (alone.length > 0) steps.push(["download", ...alone]);
    const ended = [];
    for (const step of steps) ended.push(await capture("apt-get", [...debian, "-q", ...step], { cwd: archives }));
    if (ended.slice(1).every(({ code }) => code === 0)) return unpack(archives, join(folder, "unpacked"));
    const words = ended.map(({ stderr }) => stderr).join("");
    failures.push(`${mirror}: ${words.trim().split("\n").slice(-6).join(" ")}`);
  }
  throw new SetupError(byHand(`apt-get could not download from Debian\n  ${failures.join("\n  ")}`));
}

async function unpack(archives, unpacked) {
  const names = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  for (const name of names) await must("dpkg-deb", ["-x", join(archives, name), unpacked]);
  return unpacked;
}

const asOptions = (settings) => settings.flatMap((setting) => ["-o", setting]);

/** apt-get with everything that it reads and writes in `folder`. */
const isolated = (folder, architecture) =>
  asOptions([
    `Dir::State=${folder}`,
    `Dir::State::lists=${folder}/lists`,
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}`,
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    "APT::Sandbox::User=",
    "APT::Install-Recommends=false",
    "APT::Keep-Downloaded-Packages=true",
    "Acquire::Languages=none",
    "Acquire::Retries=3",
    "Debug::NoLocking=true",
  ]);

/** The mirror that this machine's apt already uses, where that is Debian's, then Debian's own. */
async function mirrors() {
  const { stdout } = await capture("apt-get", ["indextargets", "--format", "$(REPO_URI)"]);
  const used = stdout.split("\n").find((line) => line.endsWith("/debian/"));
  return [...new Set([used ?? DEBIAN, DEBIAN])];
}

/** Debian's signing keys; Ubuntu and its kin carry them as a package of their own, signed with their keys. */
async function debianKeyring(folder, options, byHand) {
  const installed = join("/usr/share/keyrings", KEYRING);
  if (existsSync(installed)) return installed;
  await must("apt-get", [...options, "-q", "update"]);
  await must("apt-get", [...options, "-q", "download", "debian-archive-keyring"], { cwd: folder });
  const deb = readdirSync(folder).find((name) => /^debian-archive-keyring.*\.deb$/.test(name));
  if (!deb)
    throw new SetupError(byHand("apt-get has no debian-archive-keyring, with which Debian's packages are verified"));
  await must("dpkg-deb", ["-x", join(folder, deb), join(folder, "keyring")]);
  return realpathSync(join(folder, "keyring", "usr", "share", "keyrings", KEYRING));
}
