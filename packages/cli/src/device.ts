import type { Choices } from "@fracture/kernels";
import type { AdapterChoice, AdapterInfo, Device } from "@fracture/tensor";
import { Option } from "commander";
import type { Io } from "./io.ts";
import type { Progress } from "./output/progress.ts";

/** `--adapter`, of every command that computes. */
export const adapterOption = (): Option =>
  new Option("--adapter <kind>", "which device computes: a GPU where there is one, or the kind named")
    .choices(["auto", "hardware", "software"])
    .default("auto");

/** "NVIDIA H100 PCIe (NVIDIA: 575.57.08)"; of a software device what its driver says, which names it too. */
export function describeAdapter({ device, vendor, description, software }: AdapterInfo): string {
  if (software && description) return description;
  return `${device || vendor || "unnamed adapter"}${description ? ` (${description})` : ""}`;
}

/** A device that is opened when it is first asked for, once input was found to be good, and closed at the end of the block. */
export class DeviceOnDemand {
  readonly #io: Io;
  readonly #adapter: AdapterChoice;
  readonly #progress: Progress | null;
  readonly #byRule: boolean;
  #device: Device | null = null;

  /**
   * @param progress whose line the announcement must not run into
   * @param byRule leave measured choices of variants out
   */
  constructor(io: Io, adapter: AdapterChoice, progress: Progress | null = null, byRule = false) {
    this.#io = io;
    this.#adapter = adapter;
    this.#progress = progress;
    this.#byRule = byRule;
  }

  /** Opens the device; a software device is announced. Throws a NoAdapterError. */
  readonly open = async (): Promise<Device> => {
    if (this.#device) return this.#device;
    const { openDevice } = await import("@fracture/tensor");
    this.#progress?.clear();
    this.#device = await openDevice({
      adapter: this.#adapter,
      ...(this.#byRule ? {} : { choices: this.#choices }),
    });
    const { info } = this.#device;
    if (info.software)
      this.#io.stderr.write(`fracture: computing on the CPU, which is slow: ${describeAdapter(info)}\n`);
    return this.#device;
  };

  readonly #choices = async (info: AdapterInfo): Promise<Choices> => {
    const { loadTuning } = await import("./tuning/tuning.ts");
    const { choices, unusable } = await loadTuning(info, this.#io.env);
    if (unusable !== null) this.#io.stderr.write(`fracture: measured choices are left out: ${unusable}\n`);
    return choices;
  };

  /** An open device keeps the process alive. */
  [Symbol.dispose](): void {
    this.#device?.close();
    this.#device = null;
  }
}

/** Opens a device, does something with it, and closes it whatever happens. */
export async function withDevice<T>(
  io: Io,
  adapter: AdapterChoice,
  body: (device: Device) => Promise<T>,
  { byRule = false }: { readonly byRule?: boolean } = {},
): Promise<T> {
  using device = new DeviceOnDemand(io, adapter, null, byRule);
  return await body(await device.open());
}
