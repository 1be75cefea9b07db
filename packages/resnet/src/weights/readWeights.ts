import { open, stat, type FileHandle } from "node:fs/promises";
import type { nn } from "@fracture/tensor";
import { Budget } from "./budget.ts";
import { HEAD_BYTES, containerOf, type WeightsFormat } from "./container.ts";
import { WeightsError, namingFile } from "./errors.ts";
import { strippedNames } from "./names.ts";
import { readLegacyPth } from "./pth/readLegacyPth.ts";
import { readTarPth } from "./pth/readTarPth.ts";
import { readZipPth } from "./pth/readZipPth.ts";
import { stateDictIn } from "./pth/stateDictIn.ts";
import { readSafetensors } from "./safetensors/read.ts";

/** ResNet-152 with an optimiser's two moments is 700 MB. Beyond this a file would not fit into one buffer on every platform. */
export const MAX_FILE_BYTES = 2 ** 31;

export interface Weights {
  /** Name -> tensor in torch's layout (filters OIHW), floats as f32 and integers as i64, in the file's order. */
  readonly state: nn.StateDict;
  /** What a safetensors file says about itself; empty for `.pth`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly format: WeightsFormat;
  /** What was taken off to get at the names: keys of a checkpoint ("state_dict"), prefixes of wrappers ("module."). */
  readonly unwrapped: readonly string[];
}

/**
 * Reads weights as torchvision, timm and Hugging Face publish them: `.pth` in each of torch's three containers, and
 * `.safetensors`, told apart by content, not by name. Nothing in the file is run: its pickles may name tensors and dicts only.
 * Memory: the file once, which float32 tensors are views of, and what other dtypes and strides need for their conversion.
 *
 * @throws WeightsError with the path and the reason; exit code 2 for a command line.
 */
export async function readWeights(path: string): Promise<Weights> {
  const bytes = await readWhole(path);
  return namingFile(path, () => parseWeights(bytes));
}

/** `readWeights` for a file that is in memory. */
export function parseWeights(bytes: Uint8Array<ArrayBuffer>): Weights {
  const format = containerOf(bytes);
  if (format === "safetensors") {
    const { state, metadata } = readSafetensors(bytes);
    const { state: named, prefixes } = strippedNames(state);
    return { state: named, metadata, format, unwrapped: prefixes };
  }
  const budget = new Budget(bytes.length);
  const root =
    format === "pth-zip" ? readZipPth(bytes, budget) : format === "pth-tar" ? readTarPth(bytes) : readLegacyPth(bytes);
  const { state, wrappers } = stateDictIn(root, budget);
  const { state: named, prefixes } = strippedNames(state);
  return { state: named, metadata: {}, format, unwrapped: [...wrappers, ...prefixes] };
}

async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let file: FileHandle | null = null;
  try {
    // Before it is opened: opening a named pipe would wait for someone to write.
    if (!(await stat(path)).isFile()) throw new WeightsError("unreadable", "not a file", path);
    file = await open(path, "r");
    const info = await file.stat();
    if (info.size > MAX_FILE_BYTES)
      throw new WeightsError("limit", `${info.size} bytes, more than the ${MAX_FILE_BYTES} that are read`, path);
    // What is no weight file at all is noticed by its beginning, before memory is taken for the rest.
    const head = new Uint8Array(Math.min(HEAD_BYTES, info.size));
    await fill(file, head, path);
    namingFile(path, () => containerOf(head, info.size));
    const bytes = new Uint8Array(info.size);
    await fill(file, bytes, path);
    return bytes;
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    throw new WeightsError("unreadable", error instanceof Error ? error.message : String(error), path);
  } finally {
    await file?.close();
  }
}

async function fill(file: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
    if (bytesRead === 0) throw new WeightsError("unreadable", "the file was shortened while it was read", path);
    at += bytesRead;
  }
}
