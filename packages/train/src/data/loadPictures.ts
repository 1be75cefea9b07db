import { availableParallelism } from "node:os";
import { cropTo } from "@fracture/resnet";
import { decodeImage, ImageError } from "./decode.ts";
import { inParallel } from "./inParallel.ts";
import { PictureCache, type PictureForm } from "./pictureCache.ts";

export interface LoadPicturesOptions {
  /** Size and colours of the result: of a `Preprocessing`, such as `workingPreprocessing(224)`. */
  readonly preprocessing: PictureForm;
  /** See `decodeImage`. */
  readonly maxPixels?: number;
  /** Pictures at work at once, each held whole in memory. Default: one a core, 8 at the most. */
  readonly concurrency?: number;
  /** Keeps decoded pictures in this folder, and takes them from there. Null: neither. See `defaultPictureCacheFolder`. */
  readonly cacheFolder: string | null;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface LoadProgress {
  /** Files that are through, unreadable ones included. */
  readonly done: number;
  readonly total: number;
}

export interface UnreadablePicture {
  readonly path: string;
  readonly reason: string;
}

export interface LoadedPictures {
  /** [kept, size, size, channels] */
  readonly data: Uint8Array;
  readonly size: number;
  readonly channels: 1 | 3;
  /** Index into the paths of every picture in `data`, rising. */
  readonly kept: readonly number[];
  /** In the order of the paths. What that means is up to the caller. */
  readonly unreadable: readonly UnreadablePicture[];
  readonly cache: {
    /** Pictures that came from there. */
    readonly hits: number;
    /** Why pictures were not kept, or null. */
    readonly problem: string | null;
  };
}

/** More pictures than fit into memory at once. */
export class PictureMemoryError extends Error {
  override readonly name = "PictureMemoryError";
  readonly exitCode = 1;
}

/**
 * Decodes pictures, several at a time, to 8 bits at one size (see `cropTo`), into one array. A picture that can't be read is
 * listed, and stops nothing.
 *
 * @throws PictureMemoryError when the array would be too large; the signal's reason when it aborts
 */
export async function loadPictures(paths: readonly string[], options: LoadPicturesOptions): Promise<LoadedPictures> {
  const { preprocessing, cacheFolder, signal, onProgress } = options;
  const { concurrency = Math.min(8, availableParallelism()) } = options;
  const channels = preprocessing.channels === "grey" ? 1 : 3;
  const bytes = preprocessing.crop ** 2 * channels;
  const data = allocate(paths.length, bytes);
  const cache = cacheFolder === null ? null : new PictureCache(cacheFolder, preprocessing);
  const reasons = new Map<number, string>();
  let hits = 0;
  let done = 0;

  await inParallel(paths.length, concurrency, async (index) => {
    signal?.throwIfAborted();
    const path = paths[index]!;
    const key = cache && (await cache.keyOf(path));
    let picture = key === null ? null : await cache!.read(key, bytes);
    if (picture) hits += 1;
    else {
      try {
        picture = cropTo(await decodeImage(path, { ...options, channels: preprocessing.channels }), preprocessing).data;
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        reasons.set(index, error.reason);
      }
      if (picture && key !== null) await cache!.write(key, picture);
    }
    if (picture) data.set(picture, index * bytes);
    done += 1;
    onProgress?.({ done, total: paths.length });
  });

  const kept = paths.map((_, index) => index).filter((index) => !reasons.has(index));
  for (const [place, index] of kept.entries()) data.copyWithin(place * bytes, index * bytes, (index + 1) * bytes);
  return {
    data: data.subarray(0, kept.length * bytes),
    size: preprocessing.crop,
    channels,
    kept,
    unreadable: paths.flatMap((path, index) => {
      const reason = reasons.get(index);
      return reason === undefined ? [] : [{ path, reason }];
    }),
    cache: { hits, problem: cache?.problem ?? null },
  };
}

function allocate(count: number, bytes: number): Uint8Array {
  try {
    return new Uint8Array(count * bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new PictureMemoryError(
      `${count} pictures of ${bytes} bytes each, ${((count * bytes) / 1e9).toFixed(1)} GB, do not fit into memory`,
      { cause: error },
    );
  }
}
