/** What a cache holds. */
export interface CacheEntry {
  readonly bytes: number;
  /** When it was used last, in ms. */
  readonly used: number;
}

/** Those of a cache's entries that have to go, the one not used for longest first, for the rest to take `most` bytes or fewer. */
export function leastUsedBeyond<T extends CacheEntry>(entries: readonly T[], most: number): T[] {
  let held = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  const gone: T[] = [];
  for (const entry of entries.toSorted((a, b) => a.used - b.used)) {
    if (held <= most) break;
    gone.push(entry);
    held -= entry.bytes;
  }
  return gone;
}
