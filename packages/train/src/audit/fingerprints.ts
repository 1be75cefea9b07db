import { availableParallelism } from "node:os";
import { ImageError, readImageFile } from "../data/decode.ts";
import { FileCache } from "../data/fileCache.ts";
import { inParallel } from "../data/inParallel.ts";
import type { LoadProgress } from "../data/loadPictures.ts";
import {
  FINGERPRINT_BYTES,
  FINGERPRINT_VERSION,
  fingerprintOf,
  packFingerprint,
  unpackFingerprint,
  type Fingerprint,
} from "./fingerprint.ts";

export interface FingerprintsOptions {
  /** Keeps fingerprints there, and takes them from there. Null: neither. */
  readonly cacheFolder: string | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** A fingerprint, or why there is none. */
export type Fingerprinted = Fingerprint | { readonly unreadable: string };

/** The fingerprint of every file, in the order of the paths. Throws the signal's reason where it aborts. */
export async function fingerprintsOf(
  paths: readonly string[],
  { cacheFolder, signal, onProgress }: FingerprintsOptions,
): Promise<Fingerprinted[]> {
  const cache = cacheFolder === null ? null : new FileCache(cacheFolder, [FINGERPRINT_VERSION]);
  const found = Array.from<Fingerprinted>({ length: paths.length });
  let done = 0;
  // Twice the cores: while one is decoded on another thread, the fingerprint of another is taken on this one.
  await inParallel(paths.length, Math.min(8, 2 * availableParallelism()), async (index) => {
    signal?.throwIfAborted();
    found[index] = await fingerprint(paths[index]!, cache);
    done += 1;
    onProgress?.({ done, total: paths.length });
  });
  return found;
}

async function fingerprint(path: string, cache: FileCache | null): Promise<Fingerprinted> {
  const key = cache && (await cache.keyOf(path));
  const kept = key === null ? null : await cache!.read(key, FINGERPRINT_BYTES);
  if (kept) return unpackFingerprint(kept);
  try {
    const made = await fingerprintOf(await readImageFile(path), path);
    if (key !== null) await cache!.write(key, packFingerprint(made));
    return made;
  } catch (error) {
    if (error instanceof ImageError) return { unreadable: error.reason };
    throw error;
  }
}
