import { readdir, rm, stat, statfs, utimes } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { FileCache } from "../data/fileCache.ts";
import { leastUsedBeyond, type CacheEntry } from "../data/leastUsed.ts";

/** What all kept features may take on the disk. */
const MOST_BYTES = 4 * 2 ** 30;
/** What is left free on the disk at the least. */
const RESERVED_BYTES = 2 ** 30;

export interface FeatureFilesOptions {
  /** Default: 4 GiB. */
  readonly mostBytes?: number;
}

/**
 * Features of frozen parts, kept on disk, a file for each batch, under a hash of everything that decides their bits (features.ts). What was not
 * used for longest goes first where they take too much; what can't be kept is computed again, and stops nothing.
 */
export class FeatureFiles {
  readonly #folder: string;
  readonly #files: FileCache;
  readonly #mostBytes: number;
  /** By key; null: the folder was not looked at yet. */
  #entries: Map<string, CacheEntry> | null = null;

  constructor(folder: string, { mostBytes = MOST_BYTES }: FeatureFilesOptions = {}) {
    this.#folder = folder;
    this.#files = new FileCache(folder, []);
    this.#mostBytes = mostBytes;
  }

  /** The bytes that were kept, if they are whole and `length` many. */
  async read(key: string, length: number): Promise<Uint8Array | null> {
    const data = await this.#files.read(key, length);
    if (data) await this.#touch(key);
    return data;
  }

  /** Keeps bytes, if there is room for them. */
  async write(key: string, data: Uint8Array): Promise<void> {
    if (this.#files.problem !== null || !(await this.#makeRoom(data.length))) return;
    await this.#files.write(key, data);
    this.#entries!.set(key, { bytes: data.length, used: Date.now() });
  }

  async #touch(key: string): Promise<void> {
    const now = new Date();
    await utimes(this.#files.pathOf(key), now, now).catch(() => {});
    const entry = this.#entries?.get(key);
    if (entry) this.#entries!.set(key, { ...entry, used: now.getTime() });
  }

  /** Removes what was not used for longest until so many bytes more are within the limit; false where they can't be. */
  async #makeRoom(bytes: number): Promise<boolean> {
    if (bytes > this.#mostBytes) return false;
    const entries = (this.#entries ??= await this.#scan());
    const held = Array.from(entries, ([key, entry]) => ({ key, ...entry }));
    for (const { key } of leastUsedBeyond(held, this.#mostBytes - bytes)) {
      await rm(this.#files.pathOf(key), { force: true }).catch(() => {});
      entries.delete(key);
    }
    return (await this.#free()) - bytes >= RESERVED_BYTES;
  }

  async #scan(): Promise<Map<string, CacheEntry>> {
    const names = existsSync(this.#folder) ? await readdir(this.#folder, { recursive: true }) : [];
    const entries = new Map<string, CacheEntry>();
    for (const name of names) {
      const found = await stat(join(this.#folder, name)).catch(() => null);
      if (found?.isFile()) entries.set(name.replaceAll(/[\\/]/g, ""), { bytes: found.size, used: found.mtimeMs });
    }
    return entries;
  }

  /** Bytes that are free where the folder is, or will be. */
  async #free(): Promise<number> {
    for (let folder = this.#folder; ; folder = join(folder, "..")) {
      const disk = await statfs(folder).catch(() => null);
      if (disk) return disk.bavail * disk.bsize;
      if (join(folder, "..") === folder) return Infinity;
    }
  }
}

/** Beside decoded pictures; null: nowhere. */
export const featureFilesIn = (cacheFolder: string | null): FeatureFiles | null =>
  cacheFolder === null ? null : new FeatureFiles(join(cacheFolder, "features"));
