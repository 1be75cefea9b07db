import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import type { AdapterInfo } from "@fracture/tensor";
import sharp from "sharp";
import { z } from "zod";
import { FRACTURE_VERSION } from "../version.ts";
import { writeJson } from "./results.ts";

const sessionSchema = z.object({
  /** ISO 8601, UTC. */
  started: z.string(),
  fracture: z.string(),
  node: z.string(),
  sharp: z.string(),
  platform: z.string(),
  processor: z.string(),
  threads: z.number(),
  memoryBytes: z.number(),
  /** What computed. */
  device: z.object({ name: z.string(), driver: z.string(), backend: z.string(), software: z.boolean() }),
});

/** On what a run was worked at, from one start or resume to the next. Nothing in it names a user or a machine. */
export type RunSession = z.output<typeof sessionSchema>;

/** This machine, with the device that computes. */
export function sessionOn(
  { device, description, backend, software }: AdapterInfo,
  started: Date = new Date(),
): RunSession {
  return {
    started: started.toISOString(),
    fracture: FRACTURE_VERSION,
    node: process.versions.node,
    sharp: sharp.versions.sharp ?? "unknown",
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    threads: availableParallelism(),
    memoryBytes: totalmem(),
    device: { name: device, driver: description, backend, software },
  };
}

/** The sessions of `results/environment.json`; none where there is no such file, null where it is damaged. */
export async function readSessions(path: string): Promise<RunSession[] | null> {
  if (!existsSync(path)) return [];
  try {
    return z.array(sessionSchema).parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null;
  }
}

/**
 * Adds a session to `results/environment.json`. A damaged file is begun anew.
 *
 * @throws FileWriteError
 */
export async function appendSession(path: string, session: RunSession): Promise<void> {
  await writeJson(path, [...((await readSessions(path)) ?? []), session]);
}
