import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Choices } from "@fracture/kernels";
import { defaultWeightsFolder } from "@fracture/resnet";
import type { AdapterInfo } from "@fracture/tensor";
import { z } from "zod";
import { VERSION } from "../version.ts";

/** Choices that were measured on this machine, as a file holds them. */
export interface TunedFile {
  readonly tuned: string;
  readonly choices: Choices;
}

/** What a file is for: choices that were measured on another adapter, driver or version say nothing. */
const identityOf = ({ vendor, architecture, device, description, backend }: AdapterInfo) => ({
  vendor,
  architecture,
  device,
  driver: description,
  backend,
  version: VERSION,
});

const FORMAT = 1;
/** A network has some hundred products. */
const MOST_BYTES = 2 ** 20;
const text = z.string().max(200);
const schema = z.strictObject({
  format: z.literal(FORMAT),
  for: z.strictObject({
    vendor: text,
    architecture: text,
    device: text,
    driver: text,
    backend: text,
    version: text,
  }),
  tuned: z.iso.datetime(),
  choices: z.record(text, text),
});

/** Where the choices for an adapter, its driver and this version are kept: in a folder "tuning" beside that of the weights. */
export function tunedPath(info: AdapterInfo, environment: Readonly<Record<string, string | undefined>>): string {
  const identity = JSON.stringify(identityOf(info));
  const name = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  return join(dirname(defaultWeightsFolder(environment)), "tuning", `${name}.json`);
}

/** The choices of a file; null where there is none; why it is of no use where it can't be used. Never throws. */
export async function readTuned(
  path: string,
  info: AdapterInfo,
): Promise<TunedFile | { readonly unusable: string } | null> {
  try {
    const { size } = await stat(path);
    if (size > MOST_BYTES) return { unusable: `it has ${size} bytes, more than ${MOST_BYTES}` };
    const parsed = schema.safeParse(JSON.parse(await readFile(path, "utf8")));
    if (!parsed.success) {
      const { path: at, message } = parsed.error.issues[0]!;
      return { unusable: `${at.length > 0 ? `${z.core.toDotPath(at)}: ` : ""}${message}` };
    }
    const { data } = parsed;
    if (JSON.stringify(data.for) !== JSON.stringify(schema.shape.for.parse(identityOf(info))))
      return { unusable: `it is for ${data.for.device} (${data.for.driver}), version ${data.for.version}` };
    return { tuned: data.tuned, choices: data.choices };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    return { unusable: error instanceof SyntaxError ? `it is not JSON (${error.message})` : (error as Error).message };
  }
}

/** A file's content. */
export const tunedContent = (info: AdapterInfo, choices: Choices, now: Date): string =>
  `${JSON.stringify({ format: FORMAT, for: identityOf(info), tuned: now.toISOString(), choices }, null, 2)}\n`;
