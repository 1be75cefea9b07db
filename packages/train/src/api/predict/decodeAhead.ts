import { availableParallelism } from "node:os";
import { preprocess, type Preprocessing } from "@fracture/resnet";
import { ImageError, loadImage, type ImageSource } from "../../data/decode.ts";
import { inPlaces } from "../../data/inParallel.ts";

/** A picture on its way to the device, or why there is none. */
export type Decoded =
  | { readonly path: string; readonly picture: Float32Array; readonly source: ImageSource }
  | { readonly path: string; readonly picture: null; readonly error: string };

export interface DecodeAheadOptions {
  readonly preprocessing: Preprocessing;
  /** Pictures that are held or under way at the most, in front of the one that was asked for last. */
  readonly ahead: number;
  readonly signal?: AbortSignal;
}

/** So long nothing is to be done before it is said that there is nothing: listing a folder or a look at a file takes less. */
const IDLE_MS = 100;

/**
 * Decodes pictures in order, as many at once as there are processors, while the caller works on those before. A picture is handed out as
 * soon as it is decoded, whether or not another path has come; null once all were and no path comes. Throws the signal's reason.
 */
export async function* decodeAhead(
  paths: AsyncIterable<string>,
  { preprocessing, ahead, signal }: DecodeAheadOptions,
): AsyncGenerator<Decoded | null, void, undefined> {
  const decode = inPlaces(Math.min(ahead, availableParallelism()), (path: string) => decodeOne(path, preprocessing));
  const iterator = paths[Symbol.asyncIterator]();
  const under: Promise<Decoded>[] = [];
  let coming: Promise<IteratorResult<string>> | null = null;
  let ended = false;
  let toldIdle = true;
  try {
    while (!ended || under.length > 0) {
      signal?.throwIfAborted();
      if (!ended && under.length <= ahead) {
        coming ??= iterator.next();
        const first = await Promise.race([coming, under[0] ?? (toldIdle ? coming : idle())]);
        if (first === null) {
          toldIdle = true;
          yield null;
          continue;
        }
        if ("done" in first) {
          coming = null;
          if (first.done) {
            ended = true;
            continue;
          }
          const decoded = decode(first.value);
          decoded.catch(() => {}); // its error is thrown where it is awaited
          under.push(decoded);
          continue;
        }
      }
      const oldest = await under.shift()!;
      toldIdle = false;
      yield oldest;
    }
  } finally {
    // What comes slowly may never come: the end does not wait for it.
    if (!ended) iterator.return?.().catch(() => {});
  }
}

const idle = (): Promise<null> => new Promise((resolve) => setTimeout(resolve, IDLE_MS, null));

async function decodeOne(path: string, preprocessing: Preprocessing): Promise<Decoded> {
  try {
    const { picture, source } = await loadImage(path, preprocessing);
    return { path, picture: preprocess(picture, preprocessing), source };
  } catch (error) {
    if (error instanceof ImageError) return { path, picture: null, error: error.reason };
    throw error;
  }
}
