import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { givenPaths } from "./paths.ts";
import { temporaryFolder } from "./testing/temporaryFolder.ts";

it("patterns that a shell left alone are matched, and - stands for a list on standard input", async () => {
  using folder = temporaryFolder();
  for (const name of ["b.png", "a.png", "c.jpg", "[1].png"]) writeFileSync(join(folder.path, name), "");
  const stdin = (): AsyncIterable<string> => Readable.from(["x y.png", "", "*.png"]);
  const paths: string[] = [];
  const given = [join(folder.path, "?.png"), "-", join(folder.path, "[1].png"), "plain.png"];
  for await (const path of givenPaths(given, stdin)) paths.push(path);
  expect(paths).toEqual([
    join(folder.path, "a.png"),
    join(folder.path, "b.png"),
    // A list names files, not patterns.
    "x y.png",
    "*.png",
    join(folder.path, "[1].png"),
    "plain.png",
  ]);
});

it("a pattern that matches nothing is told before any path is given", async () => {
  const given = givenPaths(["plain.png", "-", "no such folder/*.png"], () => Readable.from(["x.png"]));
  await expect(given.next()).rejects.toThrow("no such folder/*.png: no file matches");
});
