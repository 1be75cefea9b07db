import type { Decoded } from "./decodeAhead.ts";

/** Broken files don't hold back what was read before them for longer than this many batches of them take. */
const MOST_FILES_PER_PICTURE = 8;

/**
 * In order, each with so many readable pictures, so that broken ones between them make no other shapes; the last has what is left, and so
 * has one before null, where nothing is known to follow: null goes on to the caller, who may be holding results back.
 */
export async function* batchesOf(
  decoded: AsyncIterable<Decoded | null>,
  size: number,
): AsyncGenerator<readonly Decoded[] | null, void, undefined> {
  let batch: Decoded[] = [];
  let readable = 0;
  for await (const one of decoded) {
    if (one) batch.push(one);
    if (one?.picture) readable += 1;
    if (one && readable < size && batch.length < size * MOST_FILES_PER_PICTURE) continue;
    if (batch.length > 0) yield batch;
    [batch, readable] = [[], 0];
    if (!one) yield null;
  }
  if (batch.length > 0) yield batch;
}
