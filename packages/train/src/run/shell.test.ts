import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { shellQuoted } from "./shell.ts";

it.skipIf(process.platform === "win32")("a shell takes every word as it is", () => {
  const words = ["runs/a-1", "lr=1e-3", "it's", "a b", "$HOME", "*", "", "~", "`id`", "a\nb", '"'];
  const said = execFileSync("sh", ["-c", `printf '%s\\0' ${words.map(shellQuoted).join(" ")}`], { encoding: "utf8" });
  expect(said.split("\0").slice(0, -1)).toEqual(words);
  expect(shellQuoted("runs/a-1")).toBe("runs/a-1");
});
