import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { crc32 } from "node:zlib";
import { DECODER_VERSION } from "./decode.ts";

let serial = 0;

/**
 * What was made of picture files, kept on disk, a file each. The name is a hash of all that the content depends on: the picture's
 * path, size and times, what was made of it, the decoder's version; so nothing is ever out of date, only unused. Entries carry a checksum and replace
 * each other in one step: a damaged one is as good as none. Readable by the user alone, as radiographs should be.
 */
export class FileCache {
  readonly #folder: string;
  readonly #made: readonly (string | number)[];
  #problem: string | null = null;

  /** @param made what is made of a file: everything but the file itself and the decoder that decides the bytes */
  constructor(folder: string, made: readonly (string | number)[]) {
    this.#folder = folder;
    this.#made = made;
  }

  /** Why nothing more is kept: the first write that failed. Reading goes on. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The entry's name for a file as it is now; null where there is no such file. */
  async keyOf(path: string): Promise<string | null> {
    const found = await stat(path, { bigint: true }).catch(() => null);
    if (!found?.isFile()) return null;
    const facts = [DECODER_VERSION, resolve(path), found.size, found.mtimeNs, found.ctimeNs, ...this.#made];
    return createHash("sha256").update(facts.join("\0")).digest("hex");
  }

  /** The bytes that were kept, if they are whole and `length` many. */
  async read(key: string, length: number): Promise<Uint8Array | null> {
    const entry = await readFile(this.pathOf(key)).catch(() => null);
    if (entry?.length !== CHECKSUM_BYTES + length) return null;
    const data = entry.subarray(CHECKSUM_BYTES);
    return crc32(data) === entry.readUInt32LE() ? data : null;
  }

  /** Keeps bytes, if it can. */
  async write(key: string, data: Uint8Array): Promise<void> {
    if (this.#problem !== null) return;
    const path = this.pathOf(key);
    const temporary = `${path}.${process.pid}-${serial++}.tmp`;
    const checksum = Buffer.alloc(CHECKSUM_BYTES);
    checksum.writeUInt32LE(crc32(data));
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // No fsync: what a power cut leaves half written fails its checksum.
      await writeFile(temporary, Buffer.concat([checksum, data]), { mode: 0o600, flag: "wx" });
      await rename(temporary, path);
    } catch (error) {
      this.#problem ??= error instanceof Error ? error.message : String(error);
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  /** Where an entry lies: in folders of some hundred files each, which every file system and its tools are at ease with. */
  pathOf(key: string): string {
    return join(this.#folder, key.slice(0, 2), key.slice(2));
  }
}

const CHECKSUM_BYTES = 4;
