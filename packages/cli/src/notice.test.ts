import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as train from "@fracture/train";
import { expect, it } from "vitest";
import { RESEARCH_USE } from "./notice.ts";

it("help says what reports and models say of their use, and nobody says it in words of their own", () => {
  expect(RESEARCH_USE).toBe(train.RESEARCH_USE);
  const packages = fileURLToPath(new URL("../..", import.meta.url));
  const said = ["cli", "train"].flatMap((name) =>
    readdirSync(join(packages, name, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .filter((file) => readFileSync(join(packages, name, "src", file), "utf8").includes("Research use, not"))
      .map((file) => join(name, file)),
  );
  expect(said.toSorted()).toEqual([join("cli", "notice.ts"), join("train", "notice.ts")]);
});
