import type { Choices } from "@fracture/kernels";
import type { AdapterInfo } from "@fracture/tensor";

/** Choices that were measured on a device of a kind, with the command that measured them. */
export interface KnownDevice {
  readonly name: string;
  readonly is: (info: AdapterInfo) => boolean;
  readonly choices: Choices;
}

/** Devices whose choices ship: what was measured on one of them serves all of its kind. */
export const KNOWN_DEVICES: readonly KnownDevice[] = [];
