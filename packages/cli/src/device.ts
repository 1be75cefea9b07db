import type { AdapterChoice, AdapterInfo, Device } from "@fracture/tensor";
import { Option } from "commander";
import type { Io } from "./io.ts";

/** `--adapter`, of every command that computes. */
export const adapterOption = (): Option =>
  new Option("--adapter <kind>", "which device computes: a GPU where there is one, or the kind named")
    .choices(["auto", "hardware", "software"])
    .default("auto");

/** "NVIDIA H100 (vulkan, 575.57)" */
export function describeAdapter({ device, vendor, description, backend }: AdapterInfo): string {
  const details = [backend, description].filter(Boolean).join(", ");
  return `${device || vendor || "unnamed adapter"}${details ? ` (${details})` : ""}`;
}

/**
 * Opens a device, does something with it, and closes it whatever happens: an open one keeps the process alive. A software
 * device is announced.
 */
export async function withDevice<T>(io: Io, adapter: AdapterChoice, body: (device: Device) => Promise<T>): Promise<T> {
  const { openDevice } = await import("@fracture/tensor");
  using device = await openDevice({ adapter });
  if (device.info.software) {
    io.stderr.write(
      `fracture: computing on the CPU, by a software device, which is slow: ${describeAdapter(device.info)}\n`,
    );
  }
  return await body(device);
}
