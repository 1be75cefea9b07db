import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A file's content: whole, or in pieces, so that a checkpoint never needs to exist twice in memory. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The part of an open file that a write needs. Tests replace it, to fill the disk where they like. */
export interface WritableFile {
  write(bytes: Uint8Array): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file system calls of an atomic write. */
export interface AtomicFileSystem {
  create(path: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
}

/** A file could not be written; the one that was there before is as it was. */
export class FileWriteError extends Error {
  override readonly name = "FileWriteError";
  readonly path: string;
  /** The operating system's code, such as ENOSPC. */
  readonly code: string | undefined;

  constructor(path: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${path}: cannot be written (${reason}); the file that was there before is unchanged`, {
      cause,
    });
    this.path = path;
    this.code = errorCode(cause);
  }
}

let serial = 0;

/**
 * Replaces a file in one step: whoever reads `path`, also after kill -9, a power cut or a full disk, finds either the old
 * file whole or the new one whole. Writes a temporary file in the same folder, fsyncs it, renames it over `path` and
 * fsyncs the folder.
 *
 * @throws FileWriteError (the temporary file is removed)
 */
export async function writeFileAtomic(
  path: string,
  content: FileContent,
  fileSystem: AtomicFileSystem = nodeFileSystem,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${serial++}.tmp`);
  try {
    const file = await fileSystem.create(temporary);
    try {
      for await (const piece of pieces(content)) await writeAll(file, piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await fileSystem.rename(temporary, path);
  } catch (error) {
    // The first error is the one worth reporting.
    await fileSystem.remove(temporary).catch(() => {});
    throw new FileWriteError(path, error);
  }
  await fileSystem.syncFolder(folder);
}

const TEMPORARY = /^\..+\.\d+-\d+\.tmp$/;

/** Removes the temporary files that a killed process left in a folder. Only where no other process writes to it. */
export async function removeAbandonedTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (TEMPORARY.test(name)) await rm(join(folder, name), { force: true });
  }
}

const nodeFileSystem: AtomicFileSystem = {
  create: async (path) => {
    const file = await open(path, "wx");
    return {
      write: (bytes) => file.write(bytes),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  syncFolder: async (path) => {
    // Windows can't open a folder; there the rename is durable by itself (NTFS journals it).
    if (process.platform === "win32") return;
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } catch (error) {
      // Some network file systems don't fsync folders. The file itself is complete and in place.
      if (!["EINVAL", "ENOTSUP", "EPERM"].includes(errorCode(error) ?? "")) throw new FileWriteError(path, error);
    } finally {
      await folder.close();
    }
  },
};

function pieces(content: FileContent): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

// One write call may take fewer bytes than it was given.
async function writeAll(file: WritableFile, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await file.write(bytes.subarray(offset));
    offset += bytesWritten;
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
