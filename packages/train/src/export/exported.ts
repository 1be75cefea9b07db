import { existsSync } from "node:fs";
import type { ModelFile } from "../model/modelFile.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import type { ExportCheck } from "./checkOnnx.ts";
import { ExportError } from "./errors.ts";

export interface ExportOptions {
  /** A run folder, a `.safetensors` of ours, or published weights. */
  readonly model: string;
  /** The file to write. */
  readonly to: string;
  /** Replace a file that is there. Default: false. */
  readonly force?: boolean;
  /** Compute with what is to be written, and write it only if it gives the model's logits. Default: false. */
  readonly check?: boolean;
}

/** What was written. */
export interface Exported extends Pick<ModelFile, "architecture" | "classes" | "preprocessing" | "decision"> {
  readonly path: string;
  readonly bytes: number;
  /** Null where no check was asked for. */
  readonly check: ExportCheck | null;
}

/** @throws ExportError where the file is there and is not to be replaced */
export function refuseExisting({ to, force = false }: ExportOptions): void {
  if (!force && existsSync(to)) throw new ExportError(to, "is there already; --force replaces it");
}

/** Writes an export's file, atomically. */
export async function writeExport(
  to: string,
  pieces: readonly Uint8Array[],
  { architecture, classes, preprocessing, decision }: Omit<Exported, "path" | "bytes" | "check">,
  check: ExportCheck | null,
): Promise<Exported> {
  await writeFileAtomic(to, pieces);
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  return { path: to, bytes, architecture, classes, preprocessing, decision, check };
}
