import type { Choices } from "@fracture/kernels";
import type { AdapterInfo } from "@fracture/tensor";
import { plural } from "../output/format.ts";
import { readTuned, tunedPath } from "./cacheFile.ts";
import { KNOWN_DEVICES, type KnownDevice } from "./known.ts";

/** Which variants of products a device takes, and where that is known from. */
export interface Tuning {
  readonly choices: Choices;
  /** The table that ships for devices of its kind. */
  readonly shipped: { readonly name: string; readonly products: number } | null;
  /** What was measured on this machine; its choices go first. */
  readonly measured: { readonly path: string; readonly products: number; readonly tuned: string } | null;
  /** The file that is there but can't be used, and why. */
  readonly unusable: string | null;
  /** True where the user wants none. */
  readonly off: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Set to "off", plans go by their rules: to compare, or to repeat a run bit by bit on another machine of the same kind. */
export const TUNING_VARIABLE = "FRACTURE_TUNING";

/** The choices for a device: those that ship for its kind, and over them what `fracture bench tune` measured here. Never throws. */
export async function loadTuning(
  info: AdapterInfo,
  environment: Environment,
  known: readonly KnownDevice[] = KNOWN_DEVICES,
): Promise<Tuning> {
  if (environment[TUNING_VARIABLE] === "off")
    return { choices: {}, shipped: null, measured: null, unusable: null, off: true };
  const table = known.find(({ is }) => is(info));
  const path = tunedPath(info, environment);
  const file = await readTuned(path, info);
  const usable = file && "choices" in file ? file : null;
  return {
    choices: { ...table?.choices, ...usable?.choices },
    shipped: table ? { name: table.name, products: Object.keys(table.choices).length } : null,
    measured: usable && { path, products: Object.keys(usable.choices).length, tuned: usable.tuned },
    unusable: file && "unusable" in file ? `${path}: ${file.unusable}` : null,
    off: false,
  };
}

/** For people, in a line. */
export function describeTuning({ shipped, measured, unusable, off }: Omit<Tuning, "choices">): string {
  if (off) return `by rule, since ${TUNING_VARIABLE} is off`;
  const parts = [
    ...(measured
      ? [`${plural(measured.products, "product")} measured here on ${measured.tuned.slice(0, 10)} (${measured.path})`]
      : []),
    ...(shipped ? [`${plural(shipped.products, "product")} of the table for ${shipped.name}`] : []),
  ];
  const unused = unusable === null ? "" : `; not used: ${unusable}`;
  return `${parts.length > 0 ? parts.join(", then ") : "by rule (fracture bench tune measures)"}${unused}`;
}
