import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileWriteError, removeAbandonedTemporaries, writeFileAtomic, type AtomicFileSystem } from "./atomic.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fracture-atomic-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file system in memory that notes every call and fails at one of them. */
function fakeFileSystem(failAt: string) {
  const files = new Map<string, Uint8Array>();
  const calls: string[] = [];
  const call = (name: string) => {
    calls.push(name);
    if (name === failAt) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  };
  const fileSystem: AtomicFileSystem = {
    create: async (path) => {
      call("create");
      files.set(path, new Uint8Array());
      let writes = 0;
      return {
        write: async (bytes) => {
          call(`write ${++writes}`);
          // A short write: it takes at most 3 bytes.
          const taken = bytes.subarray(0, 3);
          files.set(path, Buffer.concat([files.get(path) ?? Buffer.alloc(0), taken]));
          return { bytesWritten: taken.length };
        },
        sync: async () => call("sync"),
        close: async () => call("close"),
      };
    },
    rename: async (from, to) => {
      call("rename");
      files.set(to, files.get(from) ?? Buffer.alloc(0));
      files.delete(from);
    },
    remove: async (path) => {
      call("remove");
      files.delete(path);
    },
    syncFolder: async () => call("syncFolder"),
  };
  return { files, calls, fileSystem };
}

describe("writeFileAtomic", () => {
  test("writes text, bytes and pieces, replaces a file, and leaves nothing else behind", async () => {
    const path = join(folder, "file");
    async function* pieces() {
      yield Buffer.from("one ");
      yield Buffer.from("two");
    }
    for (const [content, expected] of [
      ["grün", "grün"],
      [Buffer.from("bytes"), "bytes"],
      [[Buffer.from("a"), Buffer.alloc(0), Buffer.from("b")], "ab"],
      [pieces(), "one two"],
      ["", ""],
    ] as const) {
      await writeFileAtomic(path, content);
      expect(readFileSync(path, "utf8")).toBe(expected);
    }
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  test("syncs the file before the rename and the folder after it, and finishes short writes", async () => {
    const { files, calls, fileSystem } = fakeFileSystem("");
    await writeFileAtomic("/run/file", "seven b", fileSystem);
    expect(calls).toEqual(["create", "write 1", "write 2", "write 3", "sync", "close", "rename", "syncFolder"]);
    expect([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()])).toEqual([
      ["/run/file", "seven b"],
    ]);
  });

  test.each(["create", "write 1", "write 2", "sync", "close", "rename"])(
    "keeps the old file whole where the disk is full at %s",
    async (failAt) => {
      const { files, fileSystem } = fakeFileSystem(failAt);
      files.set("/run/file", Buffer.from("old"));
      const failure = await writeFileAtomic("/run/file", "the new one", fileSystem).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(FileWriteError);
      expect(failure).toMatchObject({ path: "/run/file", code: "ENOSPC" });
      expect(String(failure)).toContain("/run/file: cannot be written (no space left on device)");
      expect([...files.keys()]).toEqual(["/run/file"]);
      expect(Buffer.from(files.get("/run/file") ?? []).toString()).toBe("old");
    },
  );

  test("keeps the old file where the content fails half-way", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "old");
    function* broken() {
      yield Buffer.from("half");
      throw new Error("the device is lost");
    }
    await expect(writeFileAtomic(path, broken())).rejects.toThrow("the device is lost");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  test("names the file where its folder is missing", async () => {
    const path = join(folder, "missing", "file");
    await expect(writeFileAtomic(path, "x")).rejects.toMatchObject({
      name: "FileWriteError",
      path,
      code: "ENOENT",
    });
  });
});

test("abandoned temporary files are removed, and nothing else", async () => {
  for (const name of [".best.safetensors.123-0.tmp", ".hidden", "notes.tmp", "best.safetensors"]) {
    writeFileSync(join(folder, name), "");
  }
  await removeAbandonedTemporaries(folder);
  expect(readdirSync(folder).sort()).toEqual([".hidden", "best.safetensors", "notes.tmp"]);
});
