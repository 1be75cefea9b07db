import { join } from "node:path";
import { capture } from "./run.mjs";
import { prepareSoftwareDevice } from "./softwareDevice.mjs";
import { root, say, SetupError } from "./workspace.mjs";

/**
 * Decides on what the GPU code runs: a GPU or an installed software driver (Mesa >= 24) that works with Dawn; else, on
 * Linux, a software Vulkan device that is put into the cache. Gives the node binary and the environment to run it with.
 *
 * FRACTURE_DEVICE=system takes what is installed, unseen; FRACTURE_DEVICE=software the device in the cache, even beside a GPU.
 * Throws a SetupError with what to install.
 */
export async function chooseDevice() {
  const node = process.execPath;
  const wanted = process.env.FRACTURE_DEVICE ?? "auto";
  if (!["auto", "system", "software"].includes(wanted))
    throw new SetupError(`FRACTURE_DEVICE=${wanted}: expected auto, system or software`);
  if (wanted === "system") return { node, env: {}, name: "the system's" };
  if (wanted === "auto") {
    const env = runtimeFolder();
    const installed = await probe(node, env);
    if (installed.works) return { node, env, name: installed.name };
    const chosen = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
    if (chosen)
      throw new SetupError(
        `Dawn can't use the Vulkan driver that VK_DRIVER_FILES names (${chosen}): unset it or name another\n  ${installed.why}`,
      );
    if (process.platform !== "linux")
      throw new SetupError(
        `Dawn finds no GPU here\n  ${installed.why}\n  Update the graphics driver; macOS needs Metal, Windows 10 or later needs Direct3D 12.`,
      );
    say("no GPU, and no installed software driver, that Dawn can use");
  }
  const software = await prepareSoftwareDevice(node);
  const env = { ...runtimeFolder(), ...software.env };
  const prepared = await probe(software.node, env);
  if (!prepared.works)
    throw new SetupError(
      `the software Vulkan device does not work here\n  ${prepared.why}\n  It is in ${software.folder}: remove that folder to set it up anew.`,
    );
  say(`using a software Vulkan device, on the CPU: ${prepared.name}`);
  return { node: software.node, env, name: prepared.name };
}

async function probe(node, env) {
  const script = join(root, "scripts", "lib", "probe.mjs");
  const { code, stdout, stderr } = await capture(node, [script, join(root, "packages", "tensor", "package.json")], {
    env,
    timeout: 60_000,
  });
  const answer = stdout.split("\n").find((line) => line.startsWith("{"));
  if (!answer)
    return {
      works: false,
      why: stderr.trim().split("\n").slice(-8).join("\n  ") || `the probe ended with exit code ${code}`,
    };
  const { description, device } = JSON.parse(answer);
  return { works: true, name: description || device };
}

// Mesa complains, harmlessly, where a session has no such folder.
function runtimeFolder() {
  return process.platform === "linux" && !process.env.XDG_RUNTIME_DIR ? { XDG_RUNTIME_DIR: "/tmp" } : {};
}
