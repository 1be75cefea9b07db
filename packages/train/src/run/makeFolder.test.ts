import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFolder } from "./makeFolder.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fracture-makeFolder-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("makeFolder", () => {
  it("makes every missing folder, and is content with one that is there", async () => {
    const path = join(root, "a", "b", "c");
    await makeFolder(path);
    await makeFolder(path);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it("says that a file is in the way", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    await expect(makeFolder(file)).rejects.toThrow("EEXIST");
    await expect(makeFolder(join(file, "below"))).rejects.toThrow("ENOTDIR");
  });

  it.runIf(existsSync("/proc/self"))(
    "returns where the system refuses a folder as if the one above were missing",
    async () => {
      await expect(makeFolder("/proc/fracture/run")).rejects.toThrow("ENOENT");
    },
  );
});
