import { availableParallelism } from "node:os";
import { preprocess, type Preprocessing } from "@fracture/resnet";
import { ImageError, loadImage, type ImageSource } from "../../data/decode.ts";

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

/** Decodes pictures in order, as many at once as there are processors, while the caller works on those before. Throws the signal's reason. */
export async function* decodeAhead(
  paths: AsyncIterable<string>,
  { preprocessing, ahead, signal }: DecodeAheadOptions,
): AsyncGenerator<Decoded, void, undefined> {
  const most = Math.min(ahead, availableParallelism());
  const waiting: (() => void)[] = [];
  let busy = 0;
  const decode = async (path: string): Promise<Decoded> => {
    if (busy >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
    try {
      return await decodeOne(path, preprocessing);
    } finally {
      // A place goes from hand to hand.
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
  const under: Promise<Decoded>[] = [];
  for await (const path of paths) {
    signal?.throwIfAborted();
    const decoded = decode(path);
    decoded.catch(() => {}); // its error is thrown where it is awaited
    under.push(decoded);
    if (under.length > ahead) yield await under.shift()!;
  }
  for (const decoded of under) {
    signal?.throwIfAborted();
    yield await decoded;
  }
}

async function decodeOne(path: string, preprocessing: Preprocessing): Promise<Decoded> {
  try {
    const { picture, source } = await loadImage(path, preprocessing);
    return { path, picture: preprocess(picture, preprocessing), source };
  } catch (error) {
    if (error instanceof ImageError) return { path, picture: null, error: error.reason };
    throw error;
  }
}
